"""A headless Chromium, driven by its DevTools protocol over a pipe: JSON messages that end with a zero byte.

Everything that Playwright would bring along, the demo has to do without: it runs on the app's own dependencies.
"""

import asyncio
import fcntl
import itertools
import json
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any, Self

from demo_project.checking.report import Failed

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-extensions", "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads from its descriptor 3 and writes to 4.
EXEC = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
PATIENCE = 60.0  # seconds for an answer
LARGEST = 64 * 1024 * 1024  # bytes of one: a screenshot


def find_chromium() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class DoesNotStart(Exception):
    """There is a Chromium, and it is of no use here."""


class Chromium:
    """``async with Chromium(path) as browser``. Raises ``DoesNotStart``."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.ids = itertools.count(1)
        self.waiting: dict[int, asyncio.Future[Any]] = {}
        self.listeners: dict[str, Callable[[str, dict[str, Any]], None]] = {}  # by session

    async def __aenter__(self) -> Self:
        self.folder = TemporaryDirectory(prefix="actorqueues-chromium-", ignore_cleanup_errors=True)
        from_us, self.to_browser = (lifted(end) for end in os.pipe())
        from_browser, to_us = (lifted(end) for end in os.pipe())
        command = [self.path, *QUIET, f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", EXEC, str(from_us), str(to_us), *command,
            pass_fds=(from_us, to_us), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        os.close(from_us)
        os.close(to_us)
        reader = asyncio.StreamReader(limit=LARGEST)
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(from_browser, "rb")
        )
        self.reading = asyncio.create_task(self.read(reader))
        try:
            await self.ask("Browser.getVersion")
        except Failed as error:
            await self.__aexit__()
            raise DoesNotStart(f"{self.path} does not start") from error
        return self

    async def __aexit__(self, *details: object) -> None:
        with suppress(OSError):
            os.close(self.to_browser)  # it ends with its pipe
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.reading.cancel()
        self.folder.cleanup()

    async def read(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                self.take(json.loads((await reader.readuntil(b"\0"))[:-1]))
        for answer in self.waiting.values():
            answer.set_exception(Failed("Chromium has ended"))

    def take(self, message: dict[str, Any]) -> None:
        if (answer := self.waiting.pop(message.get("id", 0), None)) is None:
            if listener := self.listeners.get(message.get("sessionId", "")):
                listener(message["method"], message["params"])
        elif "error" in message:
            answer.set_exception(Failed(f"Chromium: {message['error']['message']}"))
        else:
            answer.set_result(message["result"])

    async def ask(self, method: str, *, session: str | None = None, **params: Any) -> Any:
        number = next(self.ids)
        answer = self.waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        try:
            os.write(self.to_browser, json.dumps(message).encode() + b"\0")
            return await asyncio.wait_for(answer, PATIENCE)
        except (OSError, TimeoutError) as error:
            raise Failed(f"Chromium does not answer {method}: {error!r}") from error


def lifted(descriptor: int) -> int:
    """The same pipe under a number that is neither 3 nor 4."""
    high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return high
