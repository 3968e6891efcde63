"""The runtime's session and receiver, such that a test learns what failed and when everything is at rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from actorqueues.exceptions import MessageFailed
from actorqueues.mailbox.receiver import Receiver
from actorqueues.mailbox.settling import Settling
from actorqueues.runtime.options import ResolvedOptions, WorkerOptions
from actorqueues.runtime.session import Session

if TYPE_CHECKING:
    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.mailbox.scope import Scope
    from actorqueues.runtime.activation import Activation
    from actorqueues.runtime.threads import Threads

NEVER = timedelta(days=365).total_seconds()  # the test's clock may be moved while actors run
GRACE = 2.0  # seconds for what still runs when the test does not wait for it any longer

OnError = Callable[[BaseException], None]


def inline_options(using: str) -> ResolvedOptions:
    options = WorkerOptions(
        database=using, drain=True, sleep_after=0, poll_interval=NEVER, lease=NEVER, grace=GRACE
    )
    return options.resolved()


class InlineReceiver(Receiver):
    def __init__(self, ground: Activation, *args: Any, **kwargs: Any) -> None:
        super().__init__(ground, *args, **kwargs)
        assert isinstance(ground.session, InlineSession)
        self.settling = KeepingSettling(self, ground.session.on_error)
        self.resting: set[Scope] = set()  # whose task waits in a receive, with or without a time limit

    def may_run_ahead(self, deliveries: Sequence[Delivery]) -> bool:
        return False

    async def wait_for_mail(
        self, scope: Scope, names: Sequence[str], deadline: float | None, signal: AbortSignal | None
    ) -> bool:
        owned = asyncio.current_task() is scope.owner
        if owned:
            self.resting.add(scope)
        try:
            return await super().wait_for_mail(scope, names, deadline, signal)
        finally:
            if owned:
                self.resting.discard(scope)


class KeepingSettling(Settling):
    def __init__(self, receiver: Receiver, on_error: OnError) -> None:
        super().__init__(receiver)
        self.on_error = on_error

    def fail(self, delivery: Delivery, error: BaseException | str) -> None:
        if isinstance(error, str):
            self.on_error(MessageFailed(message_id=delivery.head.uid.hex, error=error))
        else:
            self.on_error(error)
        super().fail(delivery, error)


class InlineSession(Session):
    receiver_class = InlineReceiver

    def __init__(self, options: ResolvedOptions, threads: Threads, on_error: OnError) -> None:
        super().__init__(options, threads)
        self.on_error = on_error


def is_at_rest(activation: Activation, waiting: set[object]) -> bool:
    """Everything that this actor does waits for mail, for a reply, or on the test's thread."""
    if activation.lanes.running:
        return True
    if activation.session.mail.is_wanted(activation) or activation.chain.unconfirmed:
        return False
    assert isinstance(activation.receiver, InlineReceiver)
    resting = activation.receiver.resting | waiting
    return all(scope in resting for scope in activation.scopes.open)


def waits(activation: Activation, waiting: set[object]) -> bool:
    """The same, or a part of it waits: the rest of it may do so for that part."""
    assert isinstance(activation.receiver, InlineReceiver)
    return is_at_rest(activation, waiting) or bool(activation.receiver.waiters or waiting)
