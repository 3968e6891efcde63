from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from actorqueues.definitions.abort import AbortController, AbortSignal
from actorqueues.exceptions import DeliveryEnded

if TYPE_CHECKING:
    from asyncio import TimerHandle

    from actorqueues.definitions.queue import Queue
    from actorqueues.events.progress import Progress
    from actorqueues.mailbox.message import Message
    from actorqueues.mailbox.receiver import Receiver
    from actorqueues.mailbox.scope import Scope
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.sending import Outgoing


class Delivery:
    """One attempt at one message: who received it, and whether it may still do anything.

    It is the token of everything done in its name. When its time is over (timeout, abort, lost lease) its
    operations and its lane's queries are refused: a thread cannot be killed.
    """

    message: Message[Any, Any]

    def __init__(
        self,
        receiver: Receiver,
        scope: Scope,
        head: Head,
        queue: Queue[Any, Any],
        completable: bool,
        body: Any,
    ) -> None:
        self.receiver, self.scope, self.head, self.queue = receiver, scope, head, queue
        self.completable = completable
        self.body = body
        self.is_open = True
        self.completed = False
        self.is_dead = False
        self.in_atomic = False
        self.began_at = time.monotonic()
        self.calls = 0
        self.progress: Progress | None = None
        self.warning: TimerHandle | None = None
        self.controller: AbortController | None = None

    @property
    def attempt(self) -> int:
        return 1 + self.head.failures + self.head.crashes

    @property
    def actor_id(self) -> UUID:
        return self.receiver.ground.actor_id

    @property
    def actor_type(self) -> str:
        return self.receiver.ground.actor_type

    @property
    def user_id(self) -> str | None:
        return self.head.user_id

    @cached_property
    def meta(self) -> dict[str, Any]:
        return json.loads(self.head.meta) if self.head.meta else {}

    @property
    def waiting_chain(self) -> tuple[str, ...]:
        ground = self.receiver.ground
        return (*self.meta.get("chain", ()), ground.address)

    @property
    def signal(self) -> AbortSignal:
        """Fires on timeout, on the actor's abort and when the lease is lost. Made when first asked for."""
        if self.controller is None:
            self.controller = AbortController()
            if self.is_dead or not self.is_open:
                self.controller.abort("the delivery has ended")
        return AbortSignal.any(self.controller.signal, self.receiver.ground.abort_signal)

    def age(self) -> float:
        """Seconds since this attempt began."""
        return time.monotonic() - self.began_at

    def abort(self, reason: str) -> None:
        if self.controller is None:
            self.controller = AbortController()
        self.controller.abort(reason)

    def kill(self, reason: str) -> None:
        """From now on nothing done in this delivery's name is accepted."""
        self.is_dead = True
        self.scope.killed = self
        self.abort(reason)

    def require_alive(self) -> None:
        if self.is_dead:
            raise DeliveryEnded(message_id=self.head.uid.hex)

    def close(self) -> None:
        self.is_open = False
        if self in self.scope.deliveries:
            self.scope.deliveries.remove(self)
        if self.warning is not None:
            self.warning.cancel()

    def buffer_send(self, outgoing: Sequence[Outgoing]) -> None:
        self.require_alive()
        self.scope.buffer_send(outgoing)

    def next_call_number(self) -> int:
        self.require_alive()
        self.calls += 1
        return self.calls

    def lend_lane(self) -> AbstractContextManager[None]:
        return self.receiver.ground.lend_lane()
