from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic
from uuid import UUID

from typing_extensions import TypeVar

from actorqueues.durations import Duration, seconds
from actorqueues.events.progress import Progress
from actorqueues.exceptions import DeliveryEnded, QueueAlreadyCompleted, QueueCompleteNotAllowed, ReplyInvalid
from actorqueues.mailbox.atomic import AtomicStep, atomic_step

if TYPE_CHECKING:
    from actorqueues.definitions.abort import AbortSignal
    from actorqueues.mailbox.delivery import Delivery

B = TypeVar("B", default=Any)
R = TypeVar("R", default=Any)


class Message(Generic[B, R]):
    """A received message."""

    __slots__ = ("_delivery", "body")

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.body: B = delivery.body
        """Validated against the queue's schema, just before delivery."""

    def __repr__(self) -> str:
        return f"<Message {self.name} {self.id} attempt {self.attempt}>"

    @property
    def id(self) -> str:
        """Opaque, stable over attempts; what the sender's receipt says."""
        return self._delivery.head.uid.hex

    @property
    def uid(self) -> UUID:
        return self._delivery.head.uid

    @property
    def sequence(self) -> int:
        """The database's number: the order within a queue."""
        return self._delivery.head.id

    @property
    def name(self) -> str:
        """The queue's name."""
        return self._delivery.queue.name

    @property
    def key(self) -> tuple[str, ...]:
        """The actor's key."""
        return self._delivery.receiver.ground.key

    @property
    def attempt(self) -> int:
        """1 on the first delivery: 1 + failures + crashes."""
        return self._delivery.attempt

    @property
    def crashes(self) -> int:
        """How often a worker died with this message in flight."""
        return self._delivery.head.crashes

    @property
    def enqueued_at(self) -> datetime:
        return self._delivery.head.enqueued_at

    @property
    def expires_at(self) -> datetime | None:
        return self._delivery.head.expires_at

    @property
    def user_id(self) -> str | None:
        """The user of the request that sent it, or of the message that led to it."""
        return self._delivery.head.user_id

    @property
    def headers(self) -> dict[str, str]:
        """What ``headers=`` was given."""
        return dict(self._delivery.meta.get("headers", {}))

    @property
    def params(self) -> dict[str, Any]:
        """JSON: what ``params=`` was given, or the parameters of the URL that a ``QueueView`` stands at."""
        return dict(self._delivery.meta.get("params", {}))

    @property
    def signal(self) -> AbortSignal:
        """Fires when this attempt should stop: its timeout, the actor's abort, a lost lease."""
        return self._delivery.signal

    async def complete(self, *reply: R) -> None:
        """Settle the message and answer its sender. Durable when it returns, with the state and the sends so far.

        Raises ``QueueCompleteNotAllowed`` if it was received without ``completable=True``,
        ``QueueAlreadyCompleted`` the second time, ``ReplyInvalid`` if the reply does not fit, ``LeaseLost``.
        """
        delivery = self._delivery
        delivery.require_alive()
        if not delivery.completable:
            raise QueueCompleteNotAllowed(queue=self.name)
        if delivery.completed or not delivery.is_open:
            raise QueueAlreadyCompleted(queue=self.name, message_id=self.id)
        text = self._dumped(reply)
        delivery.receiver.runs_ahead = False
        position = delivery.receiver.settling.complete(delivery, text)
        delivery.completed = True
        # Whoever cancels us now changes nothing: the settlement is on its way.
        await delivery.receiver.ground.chain.durable(position)

    async def fail(self, error: BaseException | str) -> None:
        """An exception by another name: the attempt is over, the message is retried with backoff."""
        delivery = self._open()
        delivery.receiver.settling.fail(delivery, error)
        await delivery.receiver.ground.chain.durable()

    async def retry(self, delay: Duration = 0) -> None:
        """Put it back to its place; its next attempt comes after ``delay`` (seconds or ``timedelta``)."""
        delivery = self._open()
        delivery.receiver.settling.retry(delivery, seconds(delay, "delay"))
        await delivery.receiver.ground.chain.durable()

    async def dead_letter(self, reason: str) -> None:
        """Give it up for good: its sender gets ``failed``; it can be replayed from the dead letters."""
        delivery = self._open()
        position = delivery.receiver.settling.bury(delivery, "rejected", reason)
        await delivery.receiver.ground.chain.durable(position)

    def progress(self, done: float, total: float | None = None, note: str = "") -> None:
        """Tell followers how far it is. From any thread; coalesced to about ten a second, the last always sent."""
        delivery = self._delivery
        delivery.require_alive()
        if delivery.progress is None:
            delivery.progress = Progress(delivery)
        delivery.progress.report(done, total, note)

    @contextmanager
    def atomic(self) -> Iterator[AtomicStep[R]]:
        """In synchronous code: commit your own ORM writes, the state and this completion in one transaction.

            with message.atomic() as step:
                Ledger.objects.create(…)
                step.reply = Receipt(…)        # optional

        Fenced: if the lease was lost meanwhile, nothing of it is committed and ``LeaseLost`` is raised.
        """
        with atomic_step(self._open()) as step:
            yield step

    def _open(self) -> Delivery:
        delivery = self._delivery
        delivery.require_alive()
        if not delivery.is_open:
            raise DeliveryEnded(message_id=self.id)
        return delivery

    def _dumped(self, reply: tuple[Any, ...]) -> str | None:
        return dump_reply(self._delivery, reply)


def dump_reply(delivery: Delivery, reply: tuple[Any, ...]) -> str | None:
    """The reply as it is stored. () is only right where the queue promises none. Raises ``ReplyInvalid``."""
    if not reply and delivery.queue.reply is not None:
        problem = "complete() needs the reply that this queue promises"
        raise ReplyInvalid(queue=delivery.queue.name, problem=problem)
    return delivery.queue.dump_reply(*reply or (None,))
