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
from tests.playground.models import Ledger


class TallyState(BaseModel):
    value: int = 0


class Increment(BaseModel):
    amount: int = 1


class Value(BaseModel):
    value: int


class Tally(Actor[TallyState]):
    """Owns its loop; every message is completed with a reply."""

    increment = Queue(Increment, reply=Value)

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            self.state.value += message.body.amount
            await message.complete(Value(value=self.state.value))

    @action(safe=True)
    def peek(self) -> int:
        return self.state.value


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
