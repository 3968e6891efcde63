"""Actors for tests that need real processes: a worker process imports them from here.

Their type names are theirs alone: of two classes with one name, the last one imported wins.
"""

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from actorqueues import Actor, Message, Queue, Reject, action, handler
from actorqueues.models import Message as StoredMessage
from tests.playground.models import Ledger


class TallyState(BaseModel):
    value: int = 0


class Increment(BaseModel):
    amount: int = 1


class Value(BaseModel):
    value: int


class Comparison(BaseModel):
    value: int
    enough: bool
    notes: list[str] = []


class Tally(Actor[TallyState]):
    """Owns its loop; every message is completed with a reply."""

    exposed = True
    increment = Queue(Increment, reply=Value)

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            self.state.value += message.body.amount
            await message.complete(Value(value=self.state.value))

    @action(safe=True)
    def peek(self) -> int:
        return self.state.value

    @action(safe=True)
    def compare(self, least: int, *, note: str | None = None, strictly: bool = False) -> Comparison:
        enough = self.state.value > least or (self.state.value == least and not strictly)
        return Comparison(value=self.state.value, enough=enough, notes=[] if note is None else [note])


class Entry(BaseModel):
    value: int = 0
    seconds: float = 0
    note: str = ""


class Scribe(Actor[dict[str, Any]]):
    """Writes what it does into the ledger: doubles and gaps show there."""

    initial_state = {"values": []}

    @handler(atomic=True)
    def record(self, body: Entry, message: Message) -> int:
        """In the transaction that settles the message."""
        return self.enter(body, message)

    @handler
    def scribble(self, body: Entry, message: Message) -> int:
        """In a transaction of its own, then slow: a crash in between repeats it."""
        number = self.enter(body, message)
        time.sleep(body.seconds)
        return number

    @handler
    async def doze(self, body: Entry, message: Message) -> int:
        """Lets the event loop go on meanwhile."""
        await asyncio.sleep(body.seconds)
        self.state["values"].append(body.value)
        return len(self.state["values"])

    @handler
    def block(self, body: Entry) -> None:
        """Holds its lane and heeds nothing."""
        time.sleep(body.seconds)

    @handler
    def hang(self, body: Entry, message: Message) -> int:
        """Does not return from its first attempt."""
        number = self.enter(body, message)
        if message.attempt == 1:
            time.sleep(600)
        return number

    @handler
    async def block_loop(self, body: Entry) -> None:
        """The mistake that the stall guard is there for."""
        time.sleep(body.seconds)

    @handler
    def die(self, body: Entry, message: Message) -> int:
        """Takes the whole process along on its first attempt."""
        if message.attempt == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return message.attempt

    @handler
    def relay(self, body: Entry) -> None:
        """Sends on what it gets, with its settlement."""
        self.state["values"].append(body.value)
        Scribe.get_or_create(f"{self.key[0]}, heard").send(Scribe.doze, body)

    @handler
    def announce(self, body: Entry) -> None:
        self.broadcast("announced", body.note)
        self.broadcast("told", body.note, to_user="7")

    @handler
    def vanish(self, body: Entry) -> None:
        """Ends the process without a word, at every attempt."""
        os._exit(9)

    @handler
    async def cling(self, body: Entry) -> None:
        """Swallows its cancellation."""
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(body.seconds)

    @handler
    def sabotage(self, body: Entry, message: Message) -> None:
        """Takes its own message away: the database refuses whatever it asks for then."""
        StoredMessage.objects.filter(uid=message.uid).delete()

    @handler(timeout=0.5)
    def overstay(self, body: Entry, message: Message) -> int:
        """Settled in its atomic block, then over its time."""
        with message.atomic() as step:
            step.reply = self.enter(body, message)
        time.sleep(body.seconds)
        return 0

    @handler
    def stumble(self, body: Entry, message: Message) -> int:
        """Fails on its first attempt."""
        if message.attempt == 1:
            raise RuntimeError(f"stumbled over {body.value}")
        return message.attempt

    @handler
    def reject(self, body: Entry) -> None:
        raise Reject(body.note or "no")

    def enter(self, body: Entry, message: Message) -> int:
        self.state["values"].append(body.value)
        Ledger.objects.create(
            actor_key=self.key[0],
            message_id=message.id,
            value=body.value,
            note=f"attempt {message.attempt}",
        )
        return len(self.state["values"])


class Slip(BaseModel):
    """What a sender of the fault tests sends: its own number for this actor, from 1 upwards."""

    sender: str
    number: int
    seconds: float = 0


class Pages(BaseModel):
    """The fold of all slips that were acknowledged. Losses, doubles and disorder show in it."""

    count: int = 0
    runs: dict[str, list[tuple[int, int]]] = {}
    """Of each sender: its numbers, as ranges."""
    disorder: list[tuple[str, int]] = []
    """What came after a later one, or again."""
    crashes: dict[str, int] = {}
    """Of each message that was in flight when its worker died: how often."""
    failures: dict[str, int] = {}

    def enter(self, slip: Slip, message: Message) -> Slip:
        self.count += 1
        runs = self.runs.setdefault(slip.sender, [])
        if runs and slip.number <= runs[-1][1]:
            self.disorder.append((slip.sender, slip.number))
        elif runs and slip.number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], slip.number)
        else:
            runs.append((slip.number, slip.number))
        if message.crashes:
            self.crashes[message.id] = message.crashes
        if failures := message.attempt - 1 - message.crashes:
            self.failures[message.id] = failures
        return slip


class Clerk(Actor[Pages]):
    """Serves the fault tests with handlers of every kind. The reply is the slip itself."""

    @handler(atomic=True)
    def file(self, body: Slip, message: Message) -> Slip:
        """Its line in the ledger commits with the settlement."""
        write_line(body, message)
        time.sleep(body.seconds)
        return self.state.enter(body, message)

    @handler
    def copy(self, body: Slip, message: Message) -> Slip:
        """Its line commits by itself, before: a crash may repeat it."""
        write_line(body, message)
        time.sleep(body.seconds)
        return self.state.enter(body, message)

    @handler
    async def jot(self, body: Slip, message: Message) -> Slip:
        await asyncio.sleep(body.seconds)
        return self.state.enter(body, message)

    @handler
    async def forward(self, body: Slip, message: Message) -> Slip:
        """Sends it on, with its settlement."""
        await asyncio.sleep(body.seconds)
        await Clerk.get_or_create(f"{message.key[0]}, heard").asend(Clerk.jot, body)
        return self.state.enter(body, message)


class Teller(Actor[Pages]):
    """The same with a loop of its own, that waits for each of its commits."""

    slips = Queue(Slip, reply=Slip)

    async def run(self) -> None:
        async for message in self.slips.iter(completable=True):
            await asyncio.sleep(message.body.seconds)
            await message.complete(self.state.enter(message.body, message))


def write_line(slip: Slip, message: Message) -> None:
    Ledger.objects.create(
        actor_key=message.key[0], message_id=message.id, value=slip.number, note=slip.sender
    )
