"""Which task belongs to which activation: every task created in an actor's context is its own and counted."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any

from actorqueues.definitions.context import current_activation, current_scope
from actorqueues.definitions.receiving import RECEIVE_CODES
from actorqueues.mailbox.scope import Scope


def actor_task_factory(
    loop: asyncio.AbstractEventLoop,
    coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
    *,
    context: Context | None = None,
    **options: Any,
) -> asyncio.Task[Any]:
    """A task whose whole coroutine is a receive call shares its creator's scope; any other has its own."""
    if context is None:
        context = copy_context()
    activation = context.get(current_activation)
    if activation is None:
        return asyncio.Task(coro, loop=loop, context=context, **options)
    scope = context.get(current_scope)
    receives = getattr(coro, "cr_code", None) in RECEIVE_CODES
    if not receives or not isinstance(scope, Scope):
        parent = scope.delivery if isinstance(scope, Scope) else None
        scope = Scope(parent)
        context.run(current_scope.set, scope)
    task = asyncio.Task(coro, loop=loop, context=context, **options)
    activation.adopt(task, scope, owns=not receives)  # type: ignore[attr-defined]  # it is a Face
    return task
