"""``manage.py demo``: pages to play with, and the check that goes through them."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.management import call_command
from django.db import connections
from rich.console import Console
from rich.markup import escape

from actorqueues import ActorQueuesError
from demo_project.supervision import PROJECT, Supervisor, open_socket, wait_until_served
from demo_project.tour import WrongAnswer, take_tour

HOST, PORT = "127.0.0.1", 8000


def listen(host: str, port: int | None) -> socket.socket:
    """On this port; if none is asked for, on 8000 or any that is free. Raises ``OSError``."""
    if port is not None:
        return open_socket(host, port)
    try:
        return open_socket(host, PORT)
    except OSError:
        Console().print(f"Port {PORT} is taken, so this is another one.", highlight=False)
        return open_socket(host, 0)


def address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def allowed_host(host: str) -> str:
    """What visitors call us, for ``ALLOWED_HOSTS``. Addresses that mean all of ours have no such name."""
    if host in ("", "0.0.0.0", "::"):
        return "*"
    return f"[{host}]" if ":" in host else host


def serve(listening: socket.socket) -> None:
    """Until Ctrl-C or SIGTERM."""
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    call_command("migrate", verbosity=0)
    try:
        with Supervisor(listening, console):
            wait_until_served(listening)
            console.print(f"Play at [bold]{address(listening)}[/]  (Ctrl-C ends it)", highlight=False)
            threading.Event().wait()
    except KeyboardInterrupt:
        console.print("\nServer and worker have stopped. What was not done yet waits in the database.")


def check(listening: socket.socket, options: Sequence[str]) -> int:
    """Goes through everything, as a visitor would. The process's exit code."""
    console = Console()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with database_of_its_own():
        call_command("migrate", verbosity=0)
        try:
            with Supervisor(listening, console):
                wait_until_served(listening)
                take_tour(console)
                # Another process, without Django: it knows the address and nothing else.
                visit = [sys.executable, "-m", "demo_project.checking", address(listening), *options]
                with inspector() if "--screenshots" in options else nullcontext():
                    return subprocess.run(visit, cwd=PROJECT, check=False).returncode
        except (WrongAnswer, ActorQueuesError, OSError) as error:
            console.print(f"  [bold red]✗[/] {escape(str(error))}", highlight=False, soft_wrap=True)
            return 1
        finally:
            connections.close_all()


@contextmanager
def inspector() -> Iterator[None]:
    """For the pictures, which show the admin: somebody whose password only the child process knows."""
    from django.contrib.auth import get_user_model

    name, password = f"inspector-{secrets.token_hex(3)}", secrets.token_urlsafe()
    person = get_user_model().objects.create_superuser(name, password=password)
    os.environ |= {"DEMO_INSPECTOR": name, "DEMO_INSPECTOR_PASSWORD": password}
    try:
        yield
    finally:
        person.delete()


@contextmanager
def database_of_its_own() -> Iterator[None]:
    """A check must not disturb the player's file. ``DATABASE_URL`` goes first."""
    if os.environ.get("DATABASE_URL"):
        yield
        return
    with TemporaryDirectory(prefix="actorqueues-demo-") as folder:
        path = Path(folder) / "check.sqlite3"
        os.environ["DATABASE_URL"] = f"sqlite:///{path}"  # for server and worker
        connections.settings["default"]["NAME"] = str(path)
        yield
