"""The pytest plugin, in a project of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "rest_framework", "channels", "actorqueues", "shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
USE_TZ = True
"""

ACTORS = """
from actorqueues import Actor, handler

class Greeter(Actor):
    @handler
    def greet(self, body: str) -> str:
        return f"Hello {body}"
"""

TESTS = """
import pytest
from shop.actors import Greeter

@pytest.mark.parametrize("name", ["Ada", "Bob"])
def test_greeter(actors, name):
    assert Greeter.get_or_create("g").ask(Greeter.greet, name) == f"Hello {name}"
    actors.assert_sent(Greeter.greet, times=1)

@pytest.mark.django_db(transaction=True)
def test_committed(actors):
    assert Greeter.get_or_create("g").ask(Greeter.greet, "you") == "Hello you"
"""


def test_a_project_needs_nothing_but_the_fixture(tmp_path):
    (tmp_path / "shop").mkdir()
    for name, text in {
        "shop/__init__.py": "",
        "shop/actors.py": ACTORS,
        "settings.py": SETTINGS,
        "test_shop.py": TESTS,
    }.items():
        (tmp_path / name).write_text(text)
    done = run_python(
        tmp_path,
        *("-m", "pytest", "-q", "--rootdir=.", "-p", "pytest_django.plugin", "-p", "no:cacheprovider"),
        *("-p", "actorqueues.testing.pytest_plugin", "test_shop.py"),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        DJANGO_SETTINGS_MODULE="settings",
    )
    assert "3 passed" in done.stdout, done.stdout + done.stderr


def test_the_plugin_costs_nothing_where_it_is_not_used(tmp_path):
    code = (
        "import sys, actorqueues.testing.pytest_plugin\n"
        "assert not [name for name in sys.modules if name.startswith(('django', 'pydantic'))]\n"
    )
    done = run_python(tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr


def run_python(folder, *arguments, **environment):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DJANGO_", "PYTEST_", "AQ_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
