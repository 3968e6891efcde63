"""Uses that type checkers refuse: every statement marked wrong is reported, and nothing else."""

# ruff: noqa: B018

from typing import Any

from pydantic import BaseModel

from actorqueues import Actor, Queue, action, handler


class Increment(BaseModel):
    amount: int


class Value(BaseModel):
    value: int


class CounterState(BaseModel):
    value: int = 0


class Counter(Actor[CounterState]):
    increment = Queue(Increment, reply=Value)
    numbers = Queue(int)
    stop = Queue(None)

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            message.body.amuont  # wrong
            self.state.valeu = 1  # wrong
            self.state.value = "one"  # wrong
            await message.complete(5)  # wrong
            await message.complete(Increment(amount=1))  # wrong
        await self.increment.next(timeout="5")  # wrong
        await self.increment.nxt()  # wrong
        await self.queue.next(5)  # wrong
        self.watch(self.stop, stale="keep")  # wrong
        self.stop.send(5)  # wrong
        self.increment.send(5)  # wrong
        self.broadcast("x", 1, lve=True)  # wrong
        self.state = {}  # wrong
        self.key = ("a",)  # wrong


class Sync(Actor):
    @handler
    def plain(self, body: Increment) -> Value:
        return Value(value=body.amount)

    @handler
    async def asynchronous(self, body: Increment) -> Value:
        return Value(value=body.amount)

    @action
    def total(self, factor: int) -> int:
        return factor

    @handler(tiemout=5)  # wrong
    def misspelt(self, body: Increment) -> None: ...


Queue()  # wrong
Queue(Increment, Value)  # wrong
Queue(Increment, max_attempts="3")  # wrong
Queue(Increment, ordered=False)  # wrong
Queue(Increment, dedupe="amount")  # wrong

counter = Counter.get_or_create("main")
Counter.get_or_create(1.5)  # wrong
Counter.get_or_create(None)  # wrong

counter.send(Counter.increment, 5)  # wrong
counter.send(Counter.increment)  # wrong
counter.send(Counter.increment, Value(value=5))  # wrong
counter.send(Counter.numbers, "five")  # wrong
counter.send(Counter.stop, 5)  # wrong
counter.send(Counter.increment, {"amount": 5}, dely=5)  # wrong
counter.send(Counter.incremnt, {"amount": 5})  # wrong
counter.send(5, {"amount": 5})  # wrong
counter.send(Counter.increment, {"amount": 5}, timeout=5)  # wrong

number: int = counter.ask(Counter.increment, {"amount": 5})  # wrong
counter.ask(Counter.increment, {"amount": 5}).valeu  # wrong
counter.ask(Counter.stop, 5)  # wrong

sync = Sync.get_or_create(7)
sync.send(Sync.plain, 5)  # wrong
sync.ask(Sync.plain)  # wrong
text: str = sync.ask(Sync.plain, {"amount": 5})  # wrong
other: str = sync.ask(Sync.asynchronous, {"amount": 5})  # wrong
sync.call(Sync.total)  # wrong
sync.call(Sync.total, "three")  # wrong
total: str = sync.call(Sync.total, 3)  # wrong
sync.call(Sync.plain, 3)  # wrong

Counter.increment.group(7).push(5)  # wrong
Counter.increment.group(7).push()  # wrong
Counter.increment.group(1.5)  # wrong
Counter.stop.group(7).push(5)  # wrong


def takes_numbers(queue: Queue[int, Any]) -> None: ...


takes_numbers(Counter.numbers)
takes_numbers(Counter.increment)  # wrong
