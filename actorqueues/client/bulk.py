from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar, overload

from typing_extensions import Unpack

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client.options import SendOptions
from actorqueues.client.outgoing import make_many
from actorqueues.client.receipts import Receipt
from actorqueues.client.sender import Given
from actorqueues.client.sending import leave
from actorqueues.client.targets import Target
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.registry import resolve_queue
from actorqueues.storage.sending import Progress

B = TypeVar("B")
R = TypeVar("R")


class BulkSender:
    """The part of a handle that sends many messages at once."""

    _target: Target

    @overload
    def send_many(
        self, queue: Queue[B, R], bodies: Iterable[Given[B]], *, progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]: ...  # fmt: skip
    @overload
    def send_many(
        self,
        queue: str,
        bodies: Iterable[Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]: ...
    def send_many(
        self,
        queue: Queue[Any, Any] | str,
        bodies: Iterable[Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]:
        """Sends many messages, all or none, in their order: one statement for each thousand.

        ``progress(sent so far)`` is called after each statement. Raises what ``send`` raises.
        """
        refuse_running_loop("send_many")
        return self._send_many(resolve_queue(self._target.actor_class, queue), bodies, progress, options)

    @overload
    async def asend_many(
        self, queue: Queue[B, R], bodies: Iterable[Given[B]], *, progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]: ...  # fmt: skip
    @overload
    async def asend_many(
        self,
        queue: str,
        bodies: Iterable[Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]: ...
    async def asend_many(
        self,
        queue: Queue[Any, Any] | str,
        bodies: Iterable[Any],
        *,
        progress: Progress | None = None,
        **options: Unpack[SendOptions],
    ) -> list[Receipt]:
        """``send_many`` on an event loop."""
        found = resolve_queue(self._target.actor_class, queue)
        return await in_thread(self._send_many, found, bodies, progress, options)

    def _send_many(
        self, queue: Queue[Any, Any], bodies: Iterable[Any], progress: Progress | None, options: SendOptions
    ) -> list[Receipt]:
        outgoing = make_many(self._target, queue, list(bodies), options)
        now, detached = bool(options.get("now")), bool(options.get("detached"))
        return leave(self._target, queue, outgoing, now=now, detached=detached, progress=progress)
