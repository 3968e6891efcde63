"""One view for both kinds of servers: a coroutine on an event loop, a plain call where there is none.

Django asks a view whether it is a coroutine function before it calls it. Under WSGI it would make an event loop and a
thread for each call of one that is (0.4 ms on a machine where a whole request takes two). What it hears decides only
that: a call looks for its loop itself, and what it gives where there is none can be used at once and awaited.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.core.signals import request_finished, request_started


class Serving(threading.local):
    """What this thread serves at this moment."""

    plainly = False  # a request without an event loop


serving = Serving()


def note_server(sender: Any, **values: Any) -> None:
    serving.plainly = "environ" in values  # WSGI's; ASGI has a scope


def note_end(sender: Any, **values: Any) -> None:
    serving.plainly = False


request_started.connect(note_server, dispatch_uid="actorqueues.web.either")
request_finished.connect(note_end, dispatch_uid="actorqueues.web.either")


def is_on_loop() -> bool:
    """Whether an event loop runs in this thread, so that nothing here may block."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def marks() -> dict[str, Any]:
    """The attributes by which a coroutine function is known; each Python has its own."""

    def function() -> None: ...

    return dict(vars(markcoroutinefunction(function)))


MARKS = marks()


class EitherWay:
    """A view that says that it is a coroutine function, but not to a thread that serves without an event loop.

    What wraps it while the URLs are imported is always told that it is one: nothing else is known by then.
    """

    def __init__(self, view: Any) -> None:
        functools.update_wrapper(self, view)
        for name in MARKS:
            vars(self).pop(name, None)
        self.view = getattr(view, "__wrapped__", view)  # without what makes a coroutine of it in any case

    def __getattr__(self, name: str) -> Any:
        if name in MARKS and (is_on_loop() or not serving.plainly):
            return MARKS[name]
        raise AttributeError(name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.view(*args, **kwargs)


assert iscoroutinefunction(EitherWay(lambda request: None)), MARKS
