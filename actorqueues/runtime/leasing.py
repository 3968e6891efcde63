from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import DatabaseError, InterfaceError

from actorqueues.exceptions import LeaseLost
from actorqueues.storage.claiming import Claimed, claim_actors, find_due, find_held, find_wakes, ring
from actorqueues.storage.pausing import read_pauses
from actorqueues.wakeups import announce

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session

logger = logging.getLogger("actorqueues.leasing")

CHUNK = 200  # actors claimed in one transaction
# Actors that are claimed and have not come to their first message: more would only take time from those that work.
MOST_STARTING = 2 * CHUNK
MOST_WAKES = 1000  # distinct actors of a type that one look takes in
ERROR_PAUSE = 0.5  # seconds after a look that failed
# Actors that one look claims while the journal is behind: whoever was just sent to does not wait for those that work,
# and those that work do not wait for the claims of a backlog.
FEW = 16
OFFER_POLLS = 3.0  # poll intervals in which an actor that was left to others is not claimed again


class Leasing:
    """Finds actors that have work and takes their leases; hears the doorbells of those that are resident."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.hints: set[UUID] = set()
        self.later: list[UUID] = []  # found, and not claimed yet
        self.left_out = False  # there were more of them
        self.allowance = CHUNK  # actors that this look may claim even if the journal is behind
        self.everything = True  # the next look is a full one
        self.wakes = False  # the next look takes in the wakes
        self.strays_possible = False  # actors may be ours by their rows, and nothing else tells of them
        self.bell = asyncio.Event()
        self.looking = asyncio.Lock()
        self.position = UUID(int=0)
        self.found_nothing = asyncio.Event()  # a full look found nothing to do
        self.offered: dict[UUID, float] = {}  # left to other workers, until this time of the loop's clock

    def hint(self, ids: Iterable[UUID] | None) -> None:
        """On the loop. None: there may be new wakes."""
        if ids is None:
            self.wakes = True
            self.bell.set()
        elif strangers := [actor_id for actor_id in ids if not self.is_resident(actor_id)]:
            self.hints.update(strangers)
            self.bell.set()

    def look_everywhere(self) -> None:
        """The next look is a full one: pauses, wakes and whatever is due."""
        self.everything = True
        self.bell.set()

    def look_for_strays(self) -> None:
        """A claim, or the end of an activation, may or may not have committed."""
        self.strays_possible = True
        self.look_everywhere()

    def offer(self, actor_id: UUID) -> None:
        """Another worker is to claim it. If none does for some polls, we take it back."""
        session = self.session
        self.offered[actor_id] = session.loop.time() + OFFER_POLLS * session.options.poll_interval
        telling = session.threads.leasing(announce, "work", [actor_id], using=session.options.using)
        task = session.loop.create_task(telling)
        session.tasks.add(task)
        task.add_done_callback(session.tasks.discard)

    def not_offered(self, actor_ids: Iterable[UUID]) -> list[UUID]:
        now = self.session.loop.time()
        self.offered = {actor_id: until for actor_id, until in self.offered.items() if until > now}
        return [actor_id for actor_id in actor_ids if actor_id not in self.offered]

    async def finish_look(self) -> None:
        """Returns when no look that began before is under way."""
        async with self.looking:
            pass

    async def run(self) -> None:
        interval = self.session.options.poll_interval
        while not self.session.stopping:
            try:
                await asyncio.wait_for(self.bell.wait(), interval * random.uniform(0.9, 1.0))
            except TimeoutError:
                self.everything = True
            self.bell.clear()
            try:
                async with self.looking:
                    await self.look()
            except LeaseLost as error:
                self.session.lose(error)
                return
            except (DatabaseError, InterfaceError) as error:
                # A recovery loop that fails once must not end for ever.
                text = "could not look for work, trying again: %s"
                logger.warning(text, error, extra=self.session.log_fields)
                self.everything = True
                await asyncio.sleep(ERROR_PAUSE)
                self.bell.set()

    async def look(self) -> None:
        hints, self.hints = self.hints, set()
        later, self.later = self.later, []
        if self.left_out and not later:
            self.left_out, self.everything = False, True
        everything, self.everything = self.everything, False
        wakes, self.wakes = self.wakes or everything, False
        self.allowance = CHUNK if everything else FEW
        found = [actor_id for actor_id in (*later, *hints) if actor_id not in self.session.activations]
        mine: list[UUID] = []
        if everything:
            await self.read_pauses()
        strays = await self.strays() if self.strays_possible else []
        for actor_id in await self.scan_wakes() if wakes else ():
            (mine if actor_id in self.session.activations else found).append(actor_id)
        if everything:
            found += await self.scan_due()
        await self.ring(mine)
        self.session.is_quick(bool(self.session.activations or found))
        claimed = await self.claim(list(dict.fromkeys([*strays, *self.not_offered(found)])))
        if claimed and self.position.int:  # a scan was cut short, and what it brought is taken
            self.look_on()
        if everything and not (claimed or mine or self.offered or self.later or self.strays_possible):
            self.found_nothing.set()
        else:
            self.found_nothing.clear()

    async def strays(self) -> list[UUID]:
        """Actors that are ours by their rows and have no activation.

        Asked again at every look until there are none: the claim may fail once more, or pass on a locked row.
        Their wakes went with the first claim, so a set in memory that a failed look forgets would strand them.
        """
        session = self.session
        types, using = session.active_types(), session.options.using  # a resumed type's wakes tell of it
        ours = await session.threads.leasing(find_held, session.worker_id, types, using=using)
        found = [actor_id for actor_id in ours if actor_id not in session.activations]
        self.strays_possible = bool(found)
        return found

    def is_resident(self, actor_id: UUID) -> bool:
        """If so, its mailbox is read again. The wake that came with the hint goes at the next full look."""
        activation = self.session.activations.get(actor_id)
        if activation is None:
            return False
        if activation.releasing:
            activation.rang_while_leaving = True
        else:
            activation.look_again()
        return True

    async def read_pauses(self) -> None:
        session = self.session
        session.pauses = await session.threads.leasing(read_pauses, using=session.options.using)
        session.apply_pauses()

    async def scan_wakes(self) -> list[UUID]:
        """Actors with wake rows, from a rotating start."""
        types, using = self.session.active_types(), self.session.options.using
        wakes = await self.session.threads.leasing(
            find_wakes, types, after=self.position, limit=MOST_WAKES, using=using
        )
        self.turn_on(wakes)
        return [actor_id for _, actor_id in wakes]

    async def scan_due(self) -> list[UUID]:
        """Actors whose time has come."""
        session, room = self.session, min(self.room(), CHUNK)
        if room == 0:
            self.left_out = True
            return []
        types, using = session.active_types(), session.options.using
        due = await session.threads.leasing(find_due, types, limit=room, using=using)
        if len(due) == CHUNK:
            self.look_on()
        return due

    def look_on(self) -> None:
        """There is more: the next look comes at once, or when the journal has caught up."""
        self.left_out = True
        if not self.session.journal.is_behind:
            self.bell.set()

    def turn_on(self, wakes: Sequence[tuple[str, UUID]]) -> None:
        """The next scan goes on where a long one ended, so that the first actors do not starve the last."""
        counts = Counter(type_name for type_name, _ in wakes)
        last = dict(wakes)  # of each type: they come in order
        cut_short = [last[type_name] for type_name, count in counts.items() if count >= MOST_WAKES]
        if self.position.int and not cut_short:
            self.hint(None)
        self.position = min(cut_short, default=UUID(int=0))

    def room(self) -> int:
        return max(0, self.session.options.max_resident - len(self.session.activations))

    def places(self) -> int:
        free = min(self.room(), max(0, MOST_STARTING - self.session.starting))
        return min(free, max(0, self.allowance)) if self.session.journal.is_behind else free

    def go_on(self) -> None:
        """There is place again for what was found."""
        if self.later or self.left_out:
            self.bell.set()

    async def ring(self, actor_ids: Sequence[UUID]) -> None:
        """Never for an actor whose release is under way: it looks for mail after deleting its wakes."""
        session = self.session
        mine = []
        for actor_id in actor_ids:
            activation = session.activations.get(actor_id)
            if activation is not None and activation.releasing:
                activation.rang_while_leaving = True
            elif activation is not None:
                mine.append(activation)
        if not mine:
            return
        ids = [activation.actor_id for activation in mine]
        try:
            await session.threads.leasing(ring, session.worker_id, ids, using=session.options.using)
        finally:  # it may have committed although its answer was lost: no wake would tell again
            for activation in mine:
                activation.look_again()

    async def claim(self, actor_ids: list[UUID]) -> int:
        session, claimed = self.session, 0
        types = session.active_types()
        while actor_ids and (places := self.places()) and not session.stopping:
            chunk = actor_ids[: min(CHUNK, places)]
            del actor_ids[: len(chunk)]
            try:
                actors: list[Claimed] = await session.threads.leasing(
                    claim_actors, session.worker_id, chunk, types, using=session.options.using
                )
            except (DatabaseError, InterfaceError):
                self.strays_possible = True  # it may have committed, and only the answer is lost
                raise
            claimed += len(actors)
            self.allowance -= len(chunk)
            for actor in actors:
                session.activate(actor)
        # Only a few are kept: what waits here for long, another worker has done. Their wakes stay in any case.
        self.later, self.left_out = actor_ids[:MOST_STARTING], self.left_out or len(actor_ids) > MOST_STARTING
        if actor_ids and not self.room() and not session.stopping:
            session.make_room(len(actor_ids))
        return claimed
