"""The demo, as a visitor runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from html import unescape
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import psutil
import psycopg
import pytest

from demo_project.checking.chromium import find_chromium
from tests.wheel import PROJECT

PATIENCE = 120  # seconds: a browser, two servers and workers may share the machine with other tests
PAGES = ["counter", "import", "assistant", "storm"]
PLAYERS_FILE = Path(PROJECT) / "demo_project" / "demo.sqlite3"


def environment(**more):
    left_out = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "DEMO_HOST")
    return {name: value for name, value in os.environ.items() if name not in left_out} | more


def check(*options, **variables):
    """What ``manage.py demo --check`` prints."""
    visit = subprocess.run(
        [sys.executable, "manage.py", "demo", "--check", *options],
        cwd=PROJECT,
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=280,
        check=False,
    )
    assert visit.returncode == 0, visit.stdout
    assert "✗" not in visit.stdout, visit.stdout
    assert "0 lost, 0 doubled" in visit.stdout, visit.stdout
    return visit.stdout


def ways(printed):
    return re.findall(r"^/(\w+)/ by (.+)$", printed, re.MULTILINE)


@pytest.mark.skipif(find_chromium() is None, reason="there is no Chromium here")
def test_the_demo_checks_every_page_in_chromium_and_leaves_the_players_file_alone():
    before = PLAYERS_FILE.exists() and PLAYERS_FILE.stat().st_mtime_ns
    assert ways(check()) == [(page, "Chromium") for page in PAGES]
    assert (PLAYERS_FILE.exists() and PLAYERS_FILE.stat().st_mtime_ns) == before


@pytest.fixture(scope="module")
def database_url(postgres_url):
    """A database of its own on the tests' PostgreSQL."""
    parts = urlsplit(postgres_url)
    name = f"demo_{os.getpid()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield parts._replace(path=f"/{name}").geturl()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_without_a_browser_the_demo_checks_every_page_over_http_and_websocket(database_url):
    """Twice on one database: what an earlier visit left must not confuse it."""
    for times in (1, 2):
        printed = check("--no-browser", DATABASE_URL=database_url)
        assert ways(printed) == [(page, "HTTP and WebSocket") for page in PAGES]
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT count(*) FROM shop_entry").fetchone() == (10_000 * times,)


class Visitor:
    def __init__(self, address):
        self.address = address
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, path):
        return self.ask(self.address + path)

    def post(self, path, **fields):
        return self.ask(urllib.request.Request(self.address + path, urlencode(fields).encode()))

    def ask(self, request):
        try:
            with self.opener.open(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def workers(self):
        return json.loads(self.get("worker/")[1])["running"]


@contextmanager
def running_demo(folder, *options, **variables):
    """Gives its process, and a visitor."""
    variables = {"DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3", **variables}
    with (folder / "demo.log").open("w+") as log:
        process = psutil.Popen(
            [sys.executable, "-u", "manage.py", "demo", "--port", "0", *options],
            cwd=PROJECT, env=environment(**variables), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
        family = []
        try:
            address = until(lambda: re.search(r"http://[\d.:]+/", (folder / "demo.log").read_text()))[0]
            family = process.children(recursive=True)
            yield process, Visitor(address)
        finally:
            for one in (process, *family):
                if one.is_running():
                    one.kill()
            process.wait()


def until(look):
    give_up_at = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)
    return found


def test_ctrl_c_ends_server_and_worker(tmp_path):
    with running_demo(tmp_path) as (process, visitor):
        assert visitor.get("counter/")[0] == 200
        family = process.children(recursive=True)
        assert len(family) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0
        assert not any(child.is_running() for child in family)


def test_server_and_worker_end_with_their_parent(tmp_path):
    with running_demo(tmp_path) as (process, _):
        family = process.children(recursive=True)
        process.kill()
        _, alive = psutil.wait_procs(family, timeout=PATIENCE)
        assert not alive


def test_a_server_that_dies_is_started_again_on_the_same_socket(tmp_path):
    with running_demo(tmp_path) as (process, visitor):
        (server,) = [one for one in process.children() if "demo_project.serving" in one.cmdline()]
        server.kill()
        assert visitor.get("counter/")[0] == 200


def test_the_worker_is_killed_only_by_our_own_page(tmp_path):
    with running_demo(tmp_path) as (_, visitor):
        before = until(visitor.workers)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("storm/")[1])[1]
        assert visitor.get("worker/")[0] == 200
        assert visitor.post("worker/")[0] == 403
        assert visitor.workers() == before
        status, answer = visitor.post("worker/", csrfmiddlewaretoken=token)
        assert (status, json.loads(answer)) == (200, {"killed": before})
        assert until(lambda: set(visitor.workers()) - set(before))


def test_without_debug_nobody_plays(tmp_path):
    with running_demo(tmp_path, DEBUG="0") as (_, visitor):
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', visitor.get("storm/")[1])[1]
        before = until(visitor.workers)
        assert visitor.post("worker/", csrfmiddlewaretoken=token)[0] == 403
        assert visitor.workers() == before
        assert visitor.get("api/actors/counter/main/actions/value/")[0] == 403


def test_on_all_addresses_whoever_reaches_it_may_play(tmp_path):
    with running_demo(tmp_path, "--host", "0.0.0.0") as (_, visitor):
        by_another_name = {"Host": "shop.example:8000"}
        assert visitor.ask(urllib.request.Request(visitor.address, headers=by_another_name))[0] == 200


LISTING = re.compile(r"<summary>(.+?)</summary>\s*<pre[^>]*><code>(.+?)</code></pre>", re.DOTALL)


def listings(page):
    """``[(file, code)]`` as a reader sees them."""
    for place, marked in LISTING.findall(page):
        yield place.split(" · ")[0], unescape(re.sub(r"<[^>]+>", "", marked)).strip()


def test_every_page_shows_the_code_that_makes_it_work(tmp_path):
    with running_demo(tmp_path) as (_, visitor):
        for page in PAGES:
            shown = list(listings(visitor.get(f"{page}/")[1]))
            assert {Path(file).suffix for file, _ in shown} == {".py", ".js"}, page
            for file, code in shown:
                folder = Path(PROJECT, "" if file.startswith("demo_project/") else "demo_project/shop")
                assert code in (folder / file).read_text(), f"{page}: {file}"
