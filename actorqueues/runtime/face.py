from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import Context
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from actorqueues.definitions.abort import AbortController, AbortSignal
from actorqueues.definitions.context import current_scope
from actorqueues.exceptions import ActorAborted
from actorqueues.mailbox.scope import Scope
from actorqueues.runtime.serving import serve_handlers
from actorqueues.storage.operations import Emission

if TYPE_CHECKING:
    from actorqueues.definitions.queue import Queue
    from actorqueues.mailbox.receiver import Receiver
    from actorqueues.runtime.activation import Activation


class Face:
    """What the user's ``Actor`` instance sees of its activation."""

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self.vars = SimpleNamespace()

    @property
    def actor_id(self) -> UUID:
        return self.activation.actor_id

    @property
    def generation(self) -> int:
        return self.activation.generation

    @property
    def key(self) -> tuple[str, ...]:
        return self.activation.key

    @property
    def abort_signal(self) -> AbortSignal:
        return self.activation.abort_signal

    @property
    def receiver(self) -> Receiver:
        return self.activation.receiver

    @property
    def state(self) -> Any:
        return self.activation.document.value

    @state.setter
    def state(self, value: Any) -> None:
        self.activation.document.value = value

    def adopt(self, task: asyncio.Task[Any], scope: Scope, *, owns: bool) -> None:
        self.activation.adopt(task, scope, owns=owns)

    def broadcast(
        self,
        event: str,
        data: Any,
        *,
        live: bool = False,
        transient: bool = False,
        to_user: str | None = None,
    ) -> None:
        """With the delivery unless ``live`` or ``transient``, which leave at once; from any thread."""
        scope = current_scope.get()
        delivery = scope.delivery if isinstance(scope, Scope) else None
        uid = delivery.head.uid if delivery is not None else None
        emission = Emission(None, event, json.dumps(data, allow_nan=False), uid, to_user)
        if delivery is not None:
            delivery.require_alive()
            if not live and not transient:
                delivery.scope.emissions.append(emission)
                return
        self.on_loop(lambda: self.activation.emit_now(emission, transient=transient))

    def on_loop(self, call: Callable[[], None]) -> None:
        """At once where the loop runs, so that things keep their order; from a lane as soon as it can."""
        if asyncio._get_running_loop() is self.activation.loop:
            call()
        else:
            self.activation.loop.call_soon_threadsafe(call, context=Context())

    @contextmanager
    def keep_awake(self) -> Iterator[None]:
        self.activation.awake_holds += 1
        try:
            yield
        finally:
            self.activation.awake_holds -= 1
            self.on_loop(self.activation.receiver_waits)

    async def save_state(self) -> None:
        scope = self.receiver.scope_here()
        self.receiver.settling.save(scope)
        await self.activation.chain.durable()

    def destroy(self) -> None:
        self.on_loop(lambda: self.activation.end("destroy"))

    async def serve_handlers(self) -> None:
        await serve_handlers(self.activation)

    @asynccontextmanager
    async def watch(
        self, queues: Sequence[Queue[Any, Any]], stale: Literal["drop", "fire"]
    ) -> AsyncIterator[AbortSignal]:
        """A task of its own receives while the block runs; an older message than the one in hand does not count."""
        scope = current_scope.get()
        delivery = scope.delivery if isinstance(scope, Scope) else None
        oldest = delivery.head.id if delivery is not None and stale == "drop" else 0
        controller = AbortController()

        async def receive() -> None:
            with suppress(ActorAborted):
                while True:
                    for received in await self.receiver.receive_deliveries(queues):
                        if received.head.id > oldest:
                            controller.abort(f"a message in {received.queue.name}")

        task = asyncio.create_task(receive())
        try:
            yield AbortSignal.any(controller.signal, self.abort_signal)
        finally:
            task.cancel()
            await asyncio.wait([task])
        if not task.cancelled():
            task.result()
