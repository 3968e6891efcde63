"""Real web servers on the database of the run, and who asks them."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

HOST = "127.0.0.1"
SECRET = "a" * 32  # of CSRF: the cookie and the header have to agree, nothing more


@dataclass(frozen=True)
class Server:
    port: int
    process: psutil.Process

    def request(self, method: str, path: str, *, body: str = "", headers: str = "") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n{headers}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body.encode())}\r\n"
        return f"{head}\r\n{body}".encode()

    def waiting(self) -> int:
        """Messages that it waits for. Raises ``OSError`` where it does not answer."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/waiting", timeout=30) as answer:
            return int(answer.read())

    @property
    def memory(self) -> int:
        return int(self.process.memory_info().rss)


@contextmanager
def daphne(**environment: str) -> Iterator[Server]:
    arguments = ("daphne", "--bind", HOST, "--verbosity", "0", "--port")
    with serving(*arguments, application=("benchmarks.web.asgi:application",), **environment) as server:
        while not answers(server, server.waiting):
            time.sleep(0.05)
        yield server


@contextmanager
def wsgi(**environment: str) -> Iterator[Server]:
    def connect() -> None:
        socket.create_connection((HOST, server.port), 5).close()

    with serving("benchmarks.web.wsgi", **environment) as server:
        while not answers(server, connect):
            time.sleep(0.05)
        yield server


@contextmanager
def serving(*arguments: str, application: tuple[str, ...] = (), **environment: str) -> Iterator[Server]:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a socket is a file
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments, str(port), *application],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield Server(port, psutil.Process(process.pid))
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)


def answers(server: Server, ask: object) -> bool:
    if not server.process.is_running() or server.process.status() == psutil.STATUS_ZOMBIE:
        raise RuntimeError("the web server ended")
    try:
        ask()  # type: ignore[operator]
    except (OSError, urllib.error.URLError):
        return False
    return True


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind((HOST, 0))
        return int(listening.getsockname()[1])


def token_headers() -> str:
    from rest_framework.authtoken.models import Token

    return f"Authorization: Token {Token.objects.get_or_create(user=visitor())[0].key}\r\n"


def session_headers() -> str:
    from django.test import Client

    client = Client()
    client.force_login(visitor())
    session = client.cookies["sessionid"].value
    return f"Cookie: sessionid={session}; csrftoken={SECRET}\r\nX-CSRFToken: {SECRET}\r\n"


def visitor() -> object:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_or_create(username="visitor")[0]
