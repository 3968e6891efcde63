"""Actors for the tests of ``actorqueues.testing``."""

import asyncio
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from pydantic import BaseModel

from actorqueues import CONTENT, Actor, Message, Queue, Reject, handler
from tests.playground.models import Ledger


class Add(BaseModel):
    amount: int = 1


class Total(BaseModel):
    total: int


class Abacus(Actor[dict[str, int]]):
    """Owns its loop."""

    initial_state = {"total": 0}
    add = Queue(Add, reply=Total)
    once = Queue(Add, dedupe=CONTENT)

    async def run(self) -> None:
        async for message in self.queue.iter(completable=True):
            self.state["total"] += message.body.amount
            if message.name == "add":
                await message.complete(Total(total=self.state["total"]))
            else:
                await message.complete()


class Clerk(Actor[dict[str, Any]]):
    """Handlers of every kind."""

    initial_state = {"seen": []}

    def on_create(self, input: Any) -> None:
        self.state["seen"].append(f"created with {input}")

    def see(self, message: Message) -> int:
        self.state["seen"].append(f"{message.name} {message.attempt}")
        return len(self.state["seen"])

    @handler
    def stumble(self, body: Add, message: Message) -> int:
        """Fails as often as it is told."""
        if message.attempt <= body.amount:
            raise RuntimeError(f"attempt {message.attempt}")
        return self.see(message)

    @handler(max_attempts=2)
    def give_up(self, body: None) -> None:
        raise RuntimeError("never")

    @handler
    def reject(self, body: None) -> None:
        raise Reject("no")

    @handler(atomic=True)
    def enter(self, body: Add, message: Message) -> int:
        Ledger.objects.create(actor_key=self.key[0], message_id=message.id, value=body.amount)
        return self.see(message)

    @handler
    def enter_in_block(self, body: Add, message: Message) -> None:
        with message.atomic():
            Ledger.objects.create(actor_key=self.key[0], message_id=message.id, value=body.amount)
            if message.attempt == 1:
                raise RuntimeError("after the entry")

    @handler
    async def enter_async(self, body: Add, message: Message) -> int:
        await Ledger.objects.acreate(actor_key=self.key[0], message_id=message.id, value=body.amount)
        return await sync_to_async(Ledger.objects.count)()

    @handler
    def tell_abacus(self, body: Add) -> None:
        Abacus.get_or_create("a").send(Abacus.add, body)

    @handler
    def tell_and_fail(self, body: Add) -> None:
        Abacus.get_or_create("a").send(Abacus.add, body)
        raise RuntimeError("nothing was sent")

    @handler
    def ask_abacus(self, body: Add) -> int:
        return Abacus.get_or_create("a").ask(Abacus.add, body).total

    @handler
    async def ask_abacus_async(self, body: Add) -> int:
        reply = await Abacus.get_or_create("a").aask(Abacus.add, body)
        return reply.total

    @handler
    async def ask_many(self, body: Add) -> list[int]:
        """Several at once, each of which asks another one."""
        clerks = [Clerk.get_or_create(f"helper {number}") for number in range(body.amount)]
        return sorted(await asyncio.gather(*(clerk.aask(Clerk.ask_abacus, Add()) for clerk in clerks)))

    @handler
    def ask_idler(self, body: None) -> str:
        return Idler.get_or_create("i").send(Idler.start, wait=True).status

    @handler
    async def ask_idler_async(self, body: None) -> str:
        result = await Idler.get_or_create("i").asend(Idler.start, wait=True)
        return result.status

    @handler
    async def doze(self, body: None) -> str:
        await asyncio.sleep(0.05)
        return "awake"

    @handler
    async def wait_for_ever(self, body: None) -> None:
        await asyncio.Event().wait()


class Idler(Actor):
    """Holds its message until another one comes."""

    start = Queue(None, reply=str)
    go = Queue(str)

    async def run(self) -> None:
        async for message in self.start.iter(completable=True):
            answer = await self.go.next(timeout=timedelta(days=1))
            await message.complete(answer.body)


class Broken(Actor):
    """Cannot even begin."""

    ping = Queue(None)

    def on_create(self, input: Any) -> None:
        raise RuntimeError("no beginning")

    async def run(self) -> None:
        await self.ping.next()


class Listener(Actor):
    """Receives from two queues in tasks of their own."""

    left = Queue(str)
    right = Queue(str)
    heard: list[str] = []

    async def run(self) -> None:
        while True:
            receives = {asyncio.create_task(self.left.next()), asyncio.create_task(self.right.next())}
            done, waiting = await asyncio.wait(receives, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            self.heard.extend(task.result().body for task in done)
