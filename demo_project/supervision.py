"""Server and worker as children of one process, which starts again what dies and ends both when it ends."""

import http.client
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from rich.console import Console

from actorqueues.runtime.supervision import described, parent_pipe

PROJECT = Path(__file__).resolve().parent.parent
TICK = 0.1  # seconds between looks at the children
PAUSE = 0.5  # seconds before what has died is started again
PATIENCE = 20  # seconds for a child to stop


class Child:
    """One process, and the command that makes another one."""

    def __init__(self, name: str, arguments: Sequence[str], inherited: Sequence[int]) -> None:
        self.name = name
        self.command = [sys.executable, *arguments]
        self.inherited = inherited
        self.start()

    def start(self) -> None:
        # A process group of its own: Ctrl-C must end the parent, which then ends this. The session stays the same;
        # by that the page with the kill button knows the worker.
        self.process = subprocess.Popen(
            self.command, cwd=PROJECT, stdin=subprocess.DEVNULL, pass_fds=self.inherited, process_group=0
        )

    def stop(self) -> int:
        """The exit code."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Supervisor:
    """``with Supervisor(listening, console):`` the demo is served on this socket, and its actors run."""

    def __init__(self, listening: socket.socket, console: Console) -> None:
        self.listening = listening
        self.console = console
        self.children: list[Child] = []
        self.stopping = threading.Event()
        self.tending = threading.Thread(target=self.tend, name="supervisor", daemon=True)
        self.resources = ExitStack()

    def __enter__(self) -> Self:
        pipe = self.resources.enter_context(parent_pipe())
        fd, watch = self.listening.fileno(), ["--parent-pipe", str(pipe)]
        serve = ["-m", "demo_project.serving", "--fd", str(fd), *watch]
        work = ["manage.py", "runactors", "--no-supervise", "--log-level", "ERROR", *watch]
        with ExitStack() as undoing:
            undoing.push(self)
            self.children.append(Child("server", serve, [fd, pipe]))
            self.children.append(Child("worker", work, [pipe]))
            self.tending.start()
            undoing.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self.stopping.set()
        if self.tending.ident is not None:
            self.tending.join()
        for child in self.children:
            child.process.terminate()
        codes = {child.name: child.stop() for child in self.children}
        self.resources.close()
        for name, code in codes.items():
            if code not in (0, -15):
                self.console.print(f"[yellow]The {name} ended with {described(code)}.[/]")

    def tend(self) -> None:
        while not self.stopping.wait(TICK):
            for child in self.children:
                code = child.process.poll()
                if code is not None and not self.stopping.wait(PAUSE):
                    name, pid = child.name, child.process.pid
                    self.console.print(
                        f"  [dim]{name} {pid} has died ({described(code)}): starting it again[/]"
                    )
                    child.start()


def open_socket(host: str, port: int) -> socket.socket:
    """Raises ``OSError`` where the port is taken. 0 is any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def wait_until_served(listening: socket.socket) -> None:
    """The socket takes connections before there is a server: what tells is an answer. Raises ``OSError``."""
    host, port = listening.getsockname()[:2]
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    connection.request("HEAD", "/")
    connection.getresponse().read()
    connection.close()
