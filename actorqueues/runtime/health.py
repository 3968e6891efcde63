"""Whether a worker is well, told to whoever supervises it: in a file, and on a port."""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session
    from actorqueues.runtime.worker import Worker

logger = logging.getLogger("actorqueues.health")

BLOCKED_AFTER = 5.0  # seconds without an answer of the event loop
WRITE_EVERY = 2.0  # seconds
REQUEST_TIMEOUT = 5.0  # seconds


def health_of(worker: Worker) -> dict[str, Any]:
    """What is published. From any thread: a blocked event loop can still be told of."""
    now, session = datetime.now(UTC), worker.session
    report: dict[str, Any] = {
        "healthy": False,
        "problems": ["it has not begun yet"],
        "worker_id": None,
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "started_at": worker.started_at.isoformat(),
        "checked_at": now.isoformat(),
        "stopping": worker.is_stopping,
    }
    if session is not None:
        report |= session_health(session, now)
        report["healthy"] = not report["problems"]
    return report


def session_health(session: Session, now: datetime) -> dict[str, Any]:
    heartbeat = session.heartbeat
    assert heartbeat is not None
    trusted, silent = heartbeat.trusted_for, heartbeat.silence
    lost = session.is_lost.is_set() or trusted <= 0
    problems = {
        "it has lost its lease": lost,
        f"its event loop has not answered for {silent:.0f} s": silent > BLOCKED_AFTER,
        "the database does not answer": not heartbeat.reaches_database,
    }
    busy, resident = heartbeat.measured
    return {
        "problems": [problem for problem, there in problems.items() if there],
        "worker_id": session.worker_id.hex,
        "lease_trusted_until": (now + timedelta(seconds=trusted)).isoformat(),
        "loop_silent_seconds": round(silent, 3),
        "database_reachable": heartbeat.reaches_database,
        "busy": busy,
        "resident": resident,
    }


def is_alive(worker: Worker) -> bool:
    """Whether starting it again would not help: only a blocked event loop is cured by that."""
    session = worker.session
    return session is None or session.heartbeat is None or session.heartbeat.silence <= BLOCKED_AFTER


@contextmanager
def published_health(
    worker: Worker, *, path: str | None = None, address: str = "127.0.0.1", port: int | None = None
) -> Iterator[None]:
    """Publishes for as long as the block lasts. Raises ``OSError`` when it cannot."""
    file = None if path is None else HealthFile(worker, Path(path))
    server = None if port is None else serve(worker, address, port)
    if file is not None:
        file.start()
    try:
        yield
    finally:
        if server is not None:
            server.shutdown()
            server.server_close()
        if file is not None:
            file.remove()


class HealthFile:
    """Written anew all the time, by renaming: a reader sees a whole one, and by its age whether it still lives."""

    def __init__(self, worker: Worker, path: Path) -> None:
        self.worker, self.path = worker, path
        self.draft = path.with_name(f"{path.name}.{os.getpid()}")
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run, name="aq-health-file", daemon=True)
        self.write()

    def start(self) -> None:
        self.thread.start()

    def run(self) -> None:
        while not self.stopped.wait(WRITE_EVERY):
            try:
                self.write()
            except OSError as error:
                logger.warning("the health file %s cannot be written: %s", self.path, error)

    def write(self) -> None:
        self.draft.write_text(json.dumps(health_of(self.worker)) + "\n")
        self.draft.replace(self.path)

    def remove(self) -> None:
        self.stopped.set()
        self.thread.join(timeout=REQUEST_TIMEOUT)
        with suppress(OSError):
            self.path.unlink()


class HealthServer(ThreadingHTTPServer):
    daemon_threads = True
    worker: Worker


class HealthServer6(HealthServer):
    address_family = socket.AF_INET6


class HealthRequest(BaseHTTPRequestHandler):
    server: HealthServer
    timeout = REQUEST_TIMEOUT
    server_version = "actorqueues"
    sys_version = ""

    def do_GET(self) -> None:
        worker = self.server.worker
        path = self.path.partition("?")[0]
        if path not in ("/", "/live"):
            self.send_error(404)
            return
        health = health_of(worker)
        well = is_alive(worker) if path == "/live" else health["healthy"]
        body = json.dumps(health).encode() + b"\n"
        self.send_response(200 if well else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """A probe every few seconds is no news."""


def serve(worker: Worker, address: str, port: int) -> HealthServer:
    """Binds (also when connections of a worker before this one still linger), and answers in a thread."""
    server = (HealthServer6 if ":" in address else HealthServer)((address, port), HealthRequest)
    server.worker = worker
    threading.Thread(target=server.serve_forever, name="aq-health", daemon=True).start()
    shown = f"[{address}]" if ":" in address else address
    logger.info("health is at http://%s:%d/", shown, server.server_address[1])
    return server
