from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from contextvars import Context, copy_context
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from actorqueues import clock
from actorqueues.definitions.abort import AbortController
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.context import current_activation, current_scope
from actorqueues.definitions.keys import decode_key
from actorqueues.exceptions import LeaseLost
from actorqueues.mailbox.scope import Scope
from actorqueues.runtime.calling import LaneCalls
from actorqueues.runtime.document import StateDocument
from actorqueues.runtime.face import Face
from actorqueues.runtime.numbering import EventNumbers
from actorqueues.runtime.promotion import Promotion
from actorqueues.runtime.scopes import Scopes
from actorqueues.runtime.telling import tell
from actorqueues.storage.operations import Emission, Emit, SaveState
from actorqueues.wakeups import announce_after_commit

if TYPE_CHECKING:
    from actorqueues.mailbox.delivery import Delivery
    from actorqueues.runtime.session import Session
    from actorqueues.storage.claiming import Claimed
    from actorqueues.storage.dialects import Head
    from actorqueues.storage.mailboxes import Mail
    from actorqueues.storage.operations import Step

logger = logging.getLogger("actorqueues.activation")
DEFAULT_HOOKS = (Actor.on_create, Actor.on_wake, Actor.on_sleep, Actor.on_destroy, Actor.on_error)
T = TypeVar("T")


class Activation:
    """One actor in memory, for as long as its lease is held here. What its receiver stands on."""

    actor: Actor[Any]  # the user's object: ``bring_to_life`` makes it

    def __init__(self, claimed: Claimed, session: Session) -> None:
        self.claimed, self.session = claimed, session
        self.actor_class = session.registry.get(claimed.type)
        self.definition = self.actor_class.definition
        self.actor_id, self.actor_type = claimed.actor_id, claimed.type
        self.generation, self.epoch = claimed.generation, claimed.epoch
        self.address = f"{claimed.type}/{claimed.key}"
        self.log_fields = {**session.log_fields, "actor_type": claimed.type, "actor_key": claimed.key}
        self.key = decode_key(claimed.key)
        self.loop = asyncio.get_running_loop()
        self.using, self.lease = session.options.using, session.options.lease
        self.controller = AbortController()
        self.abort_signal = self.controller.signal
        self.ending: str | None = None
        self.lost: Exception | None = None
        self.releasing = False
        self.leaves_soon = False
        self.rang_while_leaving = False
        self.awake_holds = 0
        self.activity = 0  # grows with every delivery
        self.settled = 0
        self.events = EventNumbers(claimed.event_number)
        self.chain = session.journal_chain(claimed)
        self.chain.on_failure = self.lose
        self.lanes = LaneCalls(session.threads, self)
        self.receiver = session.receiver_class(
            self, self.definition.queues, batch=session.options.batch_size, careful=claimed.careful
        )
        self.scopes = Scopes(self, self.receiver)
        self.document = StateDocument(self.definition.state)
        self.face = Face(self)
        self.is_starting = True
        self.is_created = False  # on_create has committed
        self.is_awake = False  # on_wake has run
        self.clock_base = (datetime.min, 0.0, clock.offset)
        self.promotion = Promotion(self)
        self.sleep_timer: asyncio.TimerHandle | None = None
        self.context = self.make_context()

    def make_context(self) -> Context:
        context = copy_context()
        context.run(current_activation.set, self.face)
        context.run(current_scope.set, None)
        context.run(self.lanes.install)
        return context

    def input(self) -> Any:
        """What ``create`` or ``get_or_create`` gave for ``on_create``."""
        return None if self.claimed.input is None else json.loads(self.claimed.input)

    def bring_to_life(self) -> Actor[Any]:
        """Makes the user's object, with the last committed state and without any leftovers."""
        self.document.restore()
        self.face.vars = SimpleNamespace()
        self.is_awake = False
        self.actor = self.actor_class._activated(self.face)
        return self.actor

    # Tasks

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of the actor's own, in its context."""
        return self.context.run(self.loop.create_task, coroutine)

    async def call_hook(self, hook: Callable[..., Any], *arguments: Any) -> Any:
        """A plain or async method of the user's. Outside a delivery its sends leave at once."""
        if getattr(hook, "__func__", None) in DEFAULT_HOOKS:
            return None  # a task and a thread for nothing would be most of what waking an actor costs
        self.has_started()

        async def call() -> Any:
            if inspect.iscoroutinefunction(hook):
                return await hook(*arguments)
            result = await self.lanes.run(hook, *arguments)
            return await result if inspect.isawaitable(result) else result

        return await self.start(call())

    def has_started(self) -> None:
        """Code of the user's comes now, or nothing any more: that may take as long as it likes."""
        if self.is_starting:
            self.is_starting = False
            self.session.has_started()

    async def end_tasks(self) -> None:
        """Until nothing of the user's runs: the actor is neither restarted nor released before."""
        await self.scopes.finish()
        await self.lanes.threads_end()

    def adopt(self, task: asyncio.Task[Any], scope: Scope, *, owns: bool) -> None:
        self.scopes.adopt(task, scope, owns)

    # The end

    def end(self, reason: str) -> None:
        """Ends the activation in an orderly way: abort signals fire, receives stop, the rest gets its time."""
        self.has_started()
        if self.ending is None:
            self.ending = reason
            self.controller.abort(reason)
            self.receiver.notify()
        elif reason == "destroy" and not self.releasing and self.lost is None:
            self.ending = reason

    def lose_lease(self) -> None:
        self.lose(LeaseLost(actor=self.address))

    def leave_soon(self) -> None:
        """Ends between two messages, so that another worker may go on."""
        self.leaves_soon = True
        self.end_if_leaving()

    def lose(self, error: Exception) -> None:
        """Nothing more of this activation is accepted: its lease or its chain is lost."""
        if self.lost is None:
            self.lost = error
            self.scopes.kill_deliveries(str(error))
            self.end("lost")
            self.scopes.cancel_all()

    # Ground of the receiver

    def now(self) -> datetime:
        read_at, then, offset = self.clock_base
        return read_at + timedelta(seconds=self.loop.time() - then) + (clock.offset - offset)

    def set_clock(self, database_now: datetime) -> None:
        self.clock_base = (database_now, self.loop.time(), clock.offset)

    def changed_state(self) -> str | None:
        return self.document.changed()

    def forget_submission(self, step: Step) -> None:
        for operation in step:
            if isinstance(operation, SaveState):
                self.document.forget_submission()
        self.events.take_back(step)

    def restore_state(self) -> None:
        self.document.restore()

    def number(self, emissions: list[Emission], *, apart: bool = False) -> list[Emission]:
        later = self.chain.held and not apart
        return self.events.put_off(emissions) if later else self.events.give(emissions)

    def end_hold(self) -> None:
        self.chain.waiting = [self.events.catch_up(step) for step in self.chain.waiting]
        self.chain.resume()

    def emit_now(self, emission: Emission, *, transient: bool = False) -> None:
        if self.chain.error is None and not self.releasing:
            self.chain.submit(Emit([emission] if transient else self.number([emission])))

    def is_paused(self, queue: str) -> bool:
        return (self.actor_type, queue) in self.session.pauses

    def end_if_leaving(self) -> None:
        if self.leaves_soon and not self.scopes.has_deliveries():
            self.end("surplus")

    def request_mail(self) -> None:
        """What is at hand runs low. A read under way brings more: whoever receives then asks again."""
        if not self.session.mail.is_wanted(self):
            self.session.mail.want(self)

    async def fetch_mail(self) -> None:
        await self.session.mail.fetch(self)

    def receiver_waits(self) -> None:
        self.has_started()
        if self.sleep_timer is None and self.ending is None and self.may_sleep():
            activity = self.activity
            self.sleep_timer = self.loop.call_later(self.sleep_after, self.consider_sleep, activity)

    @property
    def is_busy(self) -> bool:
        return self.scopes.has_deliveries() or not self.receiver.buffer.is_empty()

    @property
    def sleep_after(self) -> float:
        own = self.definition.sleep_after
        return self.session.options.sleep_after if own is None or self.session.options.drain else own

    def may_sleep(self) -> bool:
        return (
            self.awake_holds == 0
            and self.scopes.all_wait()
            and not self.scopes.has_deliveries()
            and not self.session.mail.is_wanted(self)
            and not self.receiver.buffer.runs_low()
        )

    def consider_sleep(self, activity: int) -> None:
        self.sleep_timer = None
        if self.ending is None and self.may_sleep():
            if activity == self.activity:
                self.end("sleep")
            else:
                self.receiver_waits()

    def tell(self, signal: str, head: Head, **details: Any) -> None:
        if signal == "message_started":
            self.activity += 1
            self.has_started()
        elif signal == "message_settled":
            self.settled += 1
        tell(self, signal, head, details)  # after the commit of what was submitted so far

    def announce_settled(self, delivery: Delivery) -> None:
        self.session.journal.tally.count_apart(self.actor_type, delivery.head, self.now())
        if delivery.head.keeps_outcome:
            uid = delivery.head.uid
            announcing = self.session.threads.journal(announce_after_commit, "done", {uid}, using=self.using)
            self.loop.create_task(announcing, context=Context())  # no task of the actor's

    def call_from_lane(self, function: Callable[[], Awaitable[T]]) -> T:
        return Context().run(self.session.threads.call_from_lane, function, self.loop)

    def lend_lane(self) -> AbstractContextManager[None]:
        return self.session.threads.lend_lane()

    # Mail

    def take_mail(self, now: datetime, mail: Mail, limits: dict[str, int]) -> None:
        """What the session read for this actor."""
        self.set_clock(now)
        if not mail.ours:
            self.lose(LeaseLost(actor=self.address))
            return
        if mail.destroying:
            self.end("destroy")
        elif mail.paused:
            self.end("pause")
        self.promotion.plan(mail.next_scheduled_at)
        self.receiver.merge(mail.heads, limits)
        self.receiver_waits()

    def look_again(self) -> None:
        """The doorbell: there may be more in the database than is here."""
        self.receiver.buffer.expect_more()
        self.session.mail.want(self)

    def close_timers(self) -> None:
        self.promotion.cancel()
        if self.sleep_timer is not None:
            self.sleep_timer.cancel()
