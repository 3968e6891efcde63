"""Real web servers with the inspector, and who may look at it through them."""

from functools import partial

import pytest

from actorqueues import Actor
from actorqueues.definitions.registry import registry
from tests.consumers import actors
from tests.consumers.conftest import wait_for_port
from tests.fixtures.ports import free_port
from tests.fixtures.processes import ProcessStarter


@pytest.fixture
def these_actors(empty_registry):
    """Those of ``tests.consumers.actors``: the server's process has them too."""
    for found in vars(actors).values():
        if isinstance(found, type) and issubclass(found, Actor) and found is not Actor:
            registry.register(found)


def serve(starter, dressed=False, prefix="", **options):
    """Starts a daphne with the inspector and its socket; gives its address. ``prefix``: where it is served."""
    port = free_port()
    options["settings"] = {"POLL_INTERVAL": 0.5, **options.get("settings", {})}
    arguments = ["-b", "127.0.0.1", "-p", port, "--root-path", prefix, "tests.admin.asgi:application"]
    if dressed:
        # Its pages have scripts and styles of their own inside: no strict policy fits them.
        options["env"] = {"DJANGO_SETTINGS_MODULE": "tests.admin.dressed.settings", "AQ_NO_POLICY": "1"}
    process = starter.module("daphne", *arguments, **options)
    wait_for_port(port, process)
    return f"127.0.0.1:{port}"


@pytest.fixture
def start_admin(backend, tmp_path):
    """``start_admin(settings={…})`` gives the address of a real daphne with the inspector's socket.

    ``dressed``: by django-unfold. ``prefix``: of all paths.
    """
    starter = ProcessStarter(backend, tmp_path)
    yield partial(serve, starter)
    starter.end_all()


@pytest.fixture(scope="session")
def lasting_servers(tmp_path_factory):
    """By database: what a test leaves in the tables goes, and a server keeps nothing of it."""
    servers = {}
    yield servers
    for starter, _ in servers.values():
        starter.end_all()


@pytest.fixture
def admin(backend, lasting_servers, tmp_path_factory):
    """The address of a daphne with the inspector as it comes, which the tests of this process share."""
    if backend not in lasting_servers:
        starter = ProcessStarter(backend, tmp_path_factory.mktemp("admin"))
        lasting_servers[backend] = (starter, serve(starter))
    return lasting_servers[backend][1]
