"""Actors that the tests of the client send to. Nobody runs them: replies are written by hand."""

from typing import Any

from pydantic import BaseModel

from actorqueues import CONTENT, Actor, Message, Queue, action, handler


class Increment(BaseModel):
    amount: int


class Value(BaseModel):
    value: int


class Tally(BaseModel):
    value: int = 0
    names: list[str] = []


class Ledger(Actor[Tally]):
    increment = Queue(Increment, reply=Value)
    note = Queue(Increment)
    bell = Queue(None)
    small = Queue(Increment, max_depth=3)
    once = Queue(Increment, dedupe=CONTENT)
    anything = Queue(Any)

    async def run(self) -> None:
        async for _ in self.queue.iter():
            pass

    @handler
    def rename(self, body: Increment, message: Message) -> Value:
        return Value(value=body.amount)

    @action
    def total(self, factor: int = 1) -> int:
        return self.state.value * factor

    @action
    async def atotal(self) -> int:
        return self.state.value

    @action
    def meddle(self) -> None:
        self.state.value += 1

    @action
    def replace_state(self) -> None:
        self.state = Tally(value=7)

    @action
    def forward(self) -> str:
        return self.increment.send(Increment(amount=self.state.value)).id

    @action(safe=True)
    def safe_forward(self) -> str:
        return self.increment.send(Increment(amount=1)).id

    @action(safe=True)
    def safe_ask(self) -> Value:
        return Ledger.get_or_create("b").ask(Ledger.increment, Increment(amount=1), timeout=0)

    @action
    def meddle_deep(self) -> None:
        self.state.names.append("x")

    @action
    async def receive(self) -> None:
        await self.increment.next()

    @action
    def destroy_itself(self) -> None:
        self.destroy()

    @action
    def shout(self) -> None:
        self.broadcast("shouted", {"value": self.state.value})
