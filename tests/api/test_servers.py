"""daphne and uvicorn as processes of their own: many wait, others are answered, whoever hangs up is forgotten."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from actorqueues import asgi
from actorqueues.models import Message, Wake
from tests.fixtures.backends import only_postgresql
from tests.fixtures.ports import free_port
from tests.fixtures.processes import ManagedProcess
from tests.playground.actors import Tally
from tests.processes.evidence import QUICK, eventually

APPLICATION = "tests.api.asgi:application"
MANY = 200
AT_ONCE = 25  # fewer than servers let wait for being accepted (daphne 50): the system cuts off what is more
MOST_THREADS = 16
LANES = 4
LONG = 300  # seconds; nothing ends by itself before
WAIT = {"body": {"amount": 1}, "wait": True, "timeout": LONG * 1000}
SERVERS = {
    "daphne": lambda port: ("-b", "127.0.0.1", "-p", port, APPLICATION),
    "uvicorn": lambda port: ("--host", "127.0.0.1", "--port", port, "--no-access-log", APPLICATION),
}


class Server:
    def __init__(self, starter, name, settings=QUICK, **options):
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.process: ManagedProcess = starter.module(
            name, *SERVERS[name](port), settings=settings, **options
        )
        eventually(self.answers)

    def answers(self):
        assert self.process.returncode is None, self.process.output
        try:
            return httpx.get(f"{self.address}/waiting", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def waiting(self):
        return int(httpx.get(f"{self.address}/waiting", timeout=10).text)

    def come_to(self, number, crowd):
        """Returns when so many wait. It may take a busy machine its time, as long as it goes on."""
        while (now := self.waiting()) != number:
            eventually(lambda now=now: crowd.goes_on() and self.waiting() != now)

    def threads(self):
        return psutil.Process(self.process.pid).num_threads()

    def connections(self, using):
        return len(sessions_of(self.process, using))

    def post(self, data, key="main"):
        return httpx.post(f"{self.address}/api/actors/tally/{key}/queue/increment/", json=data, timeout=30)


@pytest.fixture(params=list(SERVERS))
def server(request, worker_process):
    return Server(worker_process, request.param)


def sessions_of(process, using):
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [process.name])
        return cursor.fetchall()


class Crowd:
    """Many requests that wait, each on a connection of its own, on a thread with an event loop."""

    def __init__(self, server, number):
        self.answers = []
        self.loop = asyncio.new_event_loop()
        self.task = self.loop.create_task(self.ask(server, number))
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            self.loop.run_until_complete(self.task)
        except asyncio.CancelledError:
            pass
        finally:
            self.loop.close()

    async def ask(self, server, number):
        limits = httpx.Limits(max_connections=number, max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=limits, timeout=LONG) as client:
            place = f"{server.address}/api/actors/tally/main/queue/increment/"
            asking = []
            while len(asking) < number:
                asking += [asyncio.create_task(client.post(place, json=WAIT)) for _ in range(AT_ONCE)]
                while not any(task.done() for task in asking) and server.waiting() < len(asking):
                    await asyncio.sleep(0.02)
            self.answers = [answer.json() for answer in await asyncio.gather(*asking)]

    def goes_on(self):
        """Raises what one of them came to: all others have hung up then."""
        if self.task.done() and not self.task.cancelled():
            self.task.result()
        return True

    def hang_up(self):
        self.loop.call_soon_threadsafe(self.task.cancel)
        self.thread.join(LONG)

    def all_answers(self):
        self.thread.join(LONG)
        return self.answers


def test_many_wait_on_few_threads_while_others_are_answered(server, backend, worker_process):
    crowd = Crowd(server, MANY)
    server.come_to(MANY, crowd)
    assert server.threads() <= MOST_THREADS
    if backend == "postgresql":  # one more for two seconds after a burst, for the hints to workers
        assert server.connections(backend) <= LANES + 3
        eventually(lambda: server.connections(backend) <= LANES + 2, timeout=10)

    with httpx.Client(base_url=server.address, timeout=30) as client:
        for _ in range(30):
            assert client.get("/api/actors/").status_code == 200
    assert server.waiting() == MANY  # nobody's turn had to come to an end before

    worker_process("--no-supervise", settings=QUICK)
    answers = crowd.all_answers()
    assert {answer["status"] for answer in answers} == {"completed"}
    assert sorted(answer["response"]["value"] for answer in answers) == list(range(1, MANY + 1))
    assert server.waiting() == 0


def test_who_hangs_up_is_forgotten_and_the_message_is_not(server, backend):
    crowd = Crowd(server, MANY)
    server.come_to(MANY, crowd)
    crowd.hang_up()
    server.come_to(0, crowd)
    assert Message.objects.count() == MANY
    assert server.post({"body": {}}).status_code == 202


@only_postgresql
@pytest.mark.parametrize("name", list(SERVERS))
def test_without_its_database_a_server_refuses_and_goes_on_afterwards(name, backend, worker_process, proxy):
    server = Server(worker_process, name, route=proxy.address)
    assert server.post({"body": {}}).status_code == 202
    with proxy.refusing():
        for data in ({"body": {}}, WAIT):
            answer = server.post(data)
            assert (answer.status_code, answer.json()["group"]) == (503, "database"), answer.text
            assert answer.headers["Retry-After"] == "1"
    assert (Message.objects.count(), Wake.objects.count()) == (1, 1)  # nothing half stored
    assert eventually(lambda: server.post({"body": {}}).status_code == 202)
    assert Message.objects.count() == Wake.objects.count()


def test_without_workers_a_message_is_taken_and_a_wait_times_out(server, backend):
    assert server.post({"body": {}}).status_code == 202
    answer = server.post({"body": {}, "wait": True, "timeout": 50})
    assert (answer.status_code, answer.json()["status"]) == (200, "timedOut")
    assert Tally.get_or_create("main").exists()


def test_a_request_in_pieces_without_a_length_is_refused(server):
    place = f"{server.address}/api/actors/tally/main/queue/increment/"
    answer = httpx.post(
        place, content=iter([b'{"body":', b" {}}"]), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (411, "length_required")


def test_under_wsgi_a_wait_blocks_its_thread_alone(backend, worker_process):
    port = free_port()
    process = worker_process.module("tests.api.wsgi", port, settings=QUICK)
    place = f"http://127.0.0.1:{port}/api/actors/tally/main/queue/increment/"

    def post(data):
        assert process.returncode is None, process.output
        try:
            return httpx.post(place, json=data, timeout=60)
        except httpx.ConnectError:
            return None

    assert eventually(lambda: post({"body": {"amount": 1}})).status_code == 202
    with ThreadPoolExecutor(10) as threads:
        waiting = [threads.submit(post, WAIT) for _ in range(10)]
        eventually(lambda: Message.objects.count() == 11)
        if backend == "postgresql":  # the waiters' own are closed: what is left looks for their replies
            eventually(lambda: len(sessions_of(process, backend)) <= 3)
        assert post({"body": {"amount": 1}, "wait": True, "timeout": 50}).json()["status"] == "timedOut"
        worker_process("--no-supervise", settings=QUICK)
        answers = [future.result(60).json() for future in waiting]
    assert {answer["status"] for answer in answers} == {"completed"}
    assert sorted(answer["response"]["value"] for answer in answers) == list(range(2, 12))


# The wrapper itself


def test_lanes_take_what_is_synchronous_in_turn():
    seen = set()

    async def application(scope, receive, send):
        seen.add(await sync_to_async(threading.get_ident)())

    async def several(lanes):
        wrapped = asgi.on_lanes(application, lanes=lanes)
        await asyncio.gather(*(wrapped({"type": "http"}, None, None) for _ in range(20)))

    asyncio.run(several(3))
    assert len(seen) == 3


def test_an_older_asgiref_leaves_the_application_as_it_is(monkeypatch, caplog):
    async def application(scope, receive, send): ...

    monkeypatch.setattr(asgi, "TAKES_EXECUTOR", False)
    assert asgi.on_lanes(application) is application
    assert "Upgrade" in caplog.text
