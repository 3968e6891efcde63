"""The one place where synchronous and asynchronous code meet."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation

P = ParamSpec("P")
R = TypeVar("R")


def refuse_running_loop(name: str) -> None:
    """Refuse a blocking call in a thread whose event loop is running.

    ``name`` is the public name of the call (``"send"``). Raises ``SynchronousOnlyOperation``, which names the
    ``a`` twin.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise SynchronousOnlyOperation(
        f"{name}() blocks, and this thread's event loop is running: use `await a{name}()` instead."
    )


async def in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Await a synchronous function in the thread that Django uses for its database connections here."""
    return await sync_to_async(function, thread_sensitive=True)(*args, **kwargs)
