from __future__ import annotations

import asyncio
import itertools
import logging
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError

from actorqueues import __version__
from actorqueues.definitions.registry import registry
from actorqueues.mailbox.receiver import Receiver
from actorqueues.runtime.activation import Activation
from actorqueues.runtime.chains import ActivationChain
from actorqueues.runtime.fairness import leave_to_others
from actorqueues.runtime.heartbeat import Heartbeat, clock_through_suspend
from actorqueues.runtime.journal import JournalWriter
from actorqueues.runtime.leasing import MOST_STARTING, Leasing
from actorqueues.runtime.life import live
from actorqueues.runtime.mail import MailReader
from actorqueues.runtime.maintenance import maintain
from actorqueues.runtime.statistics import turn_minutes
from actorqueues.storage.workers import register_worker, retire_worker

if TYPE_CHECKING:
    from actorqueues.runtime.options import ResolvedOptions
    from actorqueues.runtime.threads import Threads
    from actorqueues.storage.claiming import Claimed

logger = logging.getLogger("actorqueues.worker")

AFTER_GRACE = 2.0  # seconds for returns and releases once the grace period is over
ABANDONING = 1.0  # seconds for tasks to take note that they are given up


class Session:
    """One lease of a worker, under an id of its own. When it is lost, the worker begins another session."""

    registry = registry
    receiver_class: type[Receiver] = Receiver

    def __init__(self, options: ResolvedOptions, threads: Threads) -> None:
        self.options, self.threads = options, threads
        self.worker_id: UUID = uuid4()
        self.log_fields = {"worker_id": self.worker_id.hex}
        self.loop = asyncio.get_running_loop()
        self.activations: dict[UUID, Activation] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.pauses: set[tuple[str, str]] = set()
        self.stopping = False
        self.is_lost = asyncio.Event()
        self.stop_at: float | None = None
        self.leasing = Leasing(self)
        self.mail = MailReader(self)
        self.journal = JournalWriter(
            self.worker_id, threads, options.using, on_lost=self.lose, on_caught_up=self.leasing.go_on
        )
        self.heartbeat: Heartbeat | None = None
        self.services: list[asyncio.Task[None]] = []
        self.changed = asyncio.Event()  # an activation came or went
        self.starting = 0  # activations that have not come to any code of the user's yet
        self.is_quick: Callable[[bool], None] = lambda quick: None  # wake-ups may be looked for more often

    async def begin(self) -> None:
        """Registers the worker and starts its services. Retries nothing: the caller does."""
        asked_at = clock_through_suspend()
        await self.threads.leasing(
            register_worker,
            self.worker_id,
            host=socket.gethostname()[:255],
            pid=os.getpid(),
            version=__version__,
            types=",".join(self.options.types),
            lease=self.options.lease,
            using=self.options.using,
        )
        if not self.threads.inline:
            self.heartbeat = Heartbeat(
                self.worker_id, self.options, self.loop, self.load, self.lose, asked_at
            )
            self.heartbeat.start()
        services = [self.journal.run(), self.mail.run(), self.leasing.run(), maintain(self)]
        services += [leave_to_others(self), turn_minutes(self.journal)]
        if self.heartbeat is not None:
            services.append(self.heartbeat.watch_trust())
        self.services = [self.loop.create_task(service) for service in services]
        for service in self.services:
            service.add_done_callback(self.service_ended)

    def service_ended(self, service: asyncio.Task[None]) -> None:
        """A part that fails takes the session along: the next one begins with all of them."""
        if not service.cancelled() and (error := service.exception()) is not None:
            logger.critical("a part of the worker failed", exc_info=error, extra=self.log_fields)
            self.lose(f"{type(error).__name__}: {error}")

    def load(self) -> tuple[int, int]:
        """Busy and resident actors. On the loop only."""
        activations = self.activations.values()
        return sum(activation.is_busy for activation in activations), len(activations)

    def lose(self, reason: object) -> None:
        """The lease is gone: nothing of this session is written any more."""
        if not self.is_lost.is_set():
            logger.error("worker %s lost its lease: %s", self.worker_id, reason, extra=self.log_fields)
            self.stopping = True
            self.is_lost.set()
            for activation in list(self.activations.values()):
                activation.lose_lease()
            self.journal.give_up([activation.chain for activation in self.activations.values()])

    # Activations

    def journal_chain(self, claimed: Claimed) -> ActivationChain:
        return ActivationChain(
            self.journal, claimed.type, claimed.actor_id, claimed.generation, claimed.epoch
        )

    def activate(self, claimed: Claimed) -> None:
        activation = Activation(claimed, self)
        self.activations[claimed.actor_id] = activation
        self.starting += 1
        task = self.loop.create_task(live(activation))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        self.changed.set()
        if self.is_lost.is_set():
            activation.lose_lease()
        elif self.stopping:
            activation.end("stop")

    def has_started(self) -> None:
        self.starting -= 1
        if self.starting == MOST_STARTING // 2:
            self.leasing.go_on()

    def forget(self, activation: Activation) -> None:
        """Its lease is given back or lost. What rang meanwhile is found by the next look."""
        if self.activations.get(activation.actor_id) is activation:
            del self.activations[activation.actor_id]
        self.changed.set()
        self.leasing.go_on()
        if activation.ending == "surplus":
            self.leasing.offer(activation.actor_id)
        elif activation.rang_while_leaving:
            self.leasing.hint([activation.actor_id])

    def make_room(self, wanted: int) -> None:
        """Puts idle actors to sleep before their time: others have mail and find no place in memory."""
        idle = (one for one in self.activations.values() if one.ending is None and one.may_sleep())
        for activation in list(itertools.islice(idle, wanted)):
            activation.end("sleep")

    def active_types(self) -> list[str]:
        return [name for name in self.options.types if (name, "") not in self.pauses]

    def apply_pauses(self) -> None:
        for activation in list(self.activations.values()):
            if (activation.actor_type, "") in self.pauses:
                activation.end("pause")

    def grace_left(self) -> float:
        return self.options.grace if self.stop_at is None else max(0.0, self.stop_at - self.loop.time())

    # The end

    async def finish(self) -> None:
        """Takes no new work; every activation ends in the grace period; the leases go back at once."""
        self.stopping = True
        self.stop_at = self.loop.time() + self.options.grace
        self.leasing.bell.set()
        for activation in list(self.activations.values()):
            activation.end("stop")
        await self.activations_end(self.stop_at + AFTER_GRACE)
        await self.abandon()
        await self.end_services()

    async def activations_end(self, until: float) -> None:
        """Those too that a look still under way brings in."""
        while self.tasks and (left := until - self.loop.time()) > 0:
            await asyncio.wait(list(self.tasks), timeout=left)

    async def abandon(self) -> None:
        """What does not end: a thread cannot be killed, and a task can swallow its cancellation."""
        for activation in list(self.activations.values()):
            if activation.lost is None:
                text = "%s does not end in time: it is left to others"
                logger.warning(text, activation.address, extra=activation.log_fields)
                activation.lose_lease()
        until = self.loop.time() + ABANDONING
        while self.tasks and self.loop.time() < until:
            for task in self.tasks:
                task.cancel()
            await asyncio.wait(list(self.tasks), timeout=ABANDONING / 10)

    async def end_services(self) -> None:
        self.journal.close()
        for service in self.services[1:]:
            service.cancel()
        await asyncio.wait(self.services, timeout=AFTER_GRACE)
        self.services[0].cancel()
        if self.heartbeat is not None:
            await asyncio.to_thread(self.heartbeat.stop)
        if not self.is_lost.is_set():
            await self.retire()

    async def retire(self) -> None:
        try:
            left = await self.threads.leasing(retire_worker, self.worker_id, using=self.options.using)
        except (DatabaseError, InterfaceError) as error:
            text = "could not take leave, the lease will expire by itself: %s"
            logger.warning(text, error, extra=self.log_fields)
            return
        if left:
            text = "%d actors were still held at the end; others take them over"
            logger.warning(text, left, extra=self.log_fields)
