"""Uses that type checkers accept. ``assert_type`` says what they must infer."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any, assert_type

from pydantic import BaseModel

from actorqueues import CONTENT, AbortSignal, Actor, Backoff, Message, Queue, action, current_message, handler
from actorqueues.client.handle import Handle
from actorqueues.client.receipts import Receipt
from actorqueues.client.results import Completed, Failed, TimedOut


class Increment(BaseModel):
    amount: int


class Value(BaseModel):
    value: int


class CounterState(BaseModel):
    value: int = 0


class Counter(Actor[CounterState]):
    sleep_after = timedelta(minutes=5)
    exposed = ("increment",)

    increment = Queue(Increment, reply=Value)
    stop = Queue(None, priority=10)
    anything = Queue(Any, name="any.thing", max_depth=None, dedupe=CONTENT)
    maybe = Queue(int | None, reply=list[str], backoff=Backoff(first=2))
    rows = Queue(dict[str, int])
    ping = Queue(None, reply=str)

    async def on_create(self, input: Any) -> None:
        self.state.value = int(input)

    def on_sleep(self) -> None: ...

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            assert_type(message, Message[Increment, Value])
            self.state.value += message.body.amount
            await message.complete(Value(value=self.state.value))
            async with self.watch(self.stop, "ping", Counter.ping) as signal:
                assert_type(signal, AbortSignal)

    async def receive(self) -> None:
        assert_type(await self.increment.next(timeout=5, completable=True), Message[Increment, Value] | None)
        assert_type(await self.maybe.try_next(), Message[int | None, list[str]] | None)
        assert_type(await self.stop.next_batch(count=3), list[Message[None, None]])
        assert_type(await self.queue.next(Counter.increment), Message[Increment, Value] | None)
        assert_type(
            await self.queue.next(self.increment, timeout=timedelta(1)), Message[Increment, Value] | None
        )
        assert_type(await self.queue.next(Counter.increment, self.stop, "ping"), Message[Any, Any] | None)
        assert_type(await self.queue.next(), Message[Any, Any] | None)
        async for message in self.queue.iter("increment"):
            assert_type(message, Message[Any, Any])
        async for stop in self.queue.iter(Counter.stop):
            await stop.complete()
        waiter = asyncio.create_task(self.increment.next())
        assert_type(await waiter, Message[Increment, Value] | None)

    async def operate(self) -> None:
        assert_type(self.state, CounterState)
        self.state = CounterState(value=1)
        assert_type(self.key, tuple[str, ...])
        assert_type(self.id, str)
        self.broadcast("moved", {"x": 1}, live=True)
        self.notify_user("done")
        with self.keep_awake():
            await self.save_state()
        self.increment.send({"amount": 1}, delay=5)
        self.increment.send(Increment(amount=1))
        self.stop.send()
        await self.ping.asend()
        self.destroy()


class Bag(Actor):
    """Without a state type it is a dict."""

    def on_wake(self) -> None:
        assert_type(self.state, dict[str, Any])
        self.vars.cache = {}


class Sync(Actor):
    @handler
    def plain(self, body: Increment) -> Value:
        return Value(value=body.amount)

    @handler
    async def with_message(self, body: Increment, message: Message[Increment, Value]) -> Value:
        message.progress(1, 3, "crm")
        return Value(value=message.body.amount)

    @handler(timeout=300, max_attempts=10, dedupe=CONTENT)
    def with_options(self, body: Increment, message: Message) -> None: ...

    @handler(timeout=timedelta(minutes=1))
    async def with_options_async(self, body: int) -> str:
        return str(body)

    @handler
    async def without_body(self) -> int:
        return 1

    @handler(body=Increment, reply=Value)
    def told(self, body: Any, message: Any = None) -> Any:
        return Value(value=1)

    @handler(body=Any)
    def any_told(self, body: Any) -> None: ...

    @handler(body=Increment)
    async def body_told(self, body: Any) -> int:
        return 1

    @handler(reply=Value)
    def reply_told(self, body: Increment) -> Any:
        return {"value": 1}

    @action
    def total(self, factor: int, *, plus: int = 0) -> int:
        return factor + plus

    @action(safe=True)
    async def report(self) -> str:
        return "text"

    async def run(self) -> None:
        self.plain(Increment(amount=1))
        await self.serve_handlers()


class Louder(Sync):
    @handler
    def plain(self, body: Increment) -> Value:
        super().plain(body)
        return Value(value=2)


assert_type(Counter.increment, Queue[Increment, Value])
assert_type(Counter.stop, Queue[None, None])
assert_type(Counter.anything, Queue[Any, None])
assert_type(Counter.maybe, Queue[int | None, list[str]])
assert_type(Counter.rows, Queue[dict[str, int], None])
assert_type(Counter.ping, Queue[None, str])

counter = Counter.get_or_create("main", input=5)
assert_type(counter, Handle[Counter])
assert_type(Counter.get(("org", 7)), Handle[Counter])
assert_type(Counter.get_for_id("id"), Handle[Counter])

assert_type(counter.send(Counter.increment, {"amount": 5}), Receipt)
assert_type(counter.send(Counter.increment, Increment(amount=5), delay=5, dedupe="x", user=None), Receipt)
assert_type(counter.send(Counter.stop), Receipt)
assert_type(counter.send(Counter.anything, [1, "two"]), Receipt)
assert_type(counter.send(Counter.maybe, None), Receipt)
assert_type(counter.send(Counter.rows, {"a": 1}), Receipt)
assert_type(counter.send("increment", {"amount": 5}), Receipt)

result = counter.send(Counter.increment, {"amount": 5}, wait=True, timeout=5)
assert_type(result, Completed[Value] | TimedOut | Failed)
if result.status == "completed":
    assert_type(result.response, Value)
assert_type(counter.ask(Counter.increment, {"amount": 5}, timeout=timedelta(seconds=5)), Value)
assert_type(counter.ask(Counter.increment, {"amount": 5}).value, int)
assert_type(counter.ask(Counter.ping), str)

sync = Sync.get_or_create(7)
assert_type(sync.send(Sync.plain, {"amount": 1}), Receipt)
assert_type(sync.ask(Sync.plain, Increment(amount=1)), Value)
assert_type(sync.ask(Sync.with_message, {"amount": 1}), Value)
assert_type(sync.ask(Sync.with_options_async, 5), str)
assert_type(sync.ask(Sync.without_body), int)
assert_type(sync.ask(Sync.told, {"amount": 1}), Value)
assert_type(sync.ask(Sync.body_told, {"amount": 1}), int)
assert_type(sync.ask(Sync.reply_told, Increment(amount=1)), Value)
assert_type(sync.call(Sync.total, 3, plus=4), int)
sync.send(Sync.any_told, [1, "two"])
sync.send(Sync.with_options, Increment(amount=1))

assert_type(Counter.increment.group("org", 7).dedupe("x").push({"amount": 1}), Receipt)
assert_type(Counter.stop.group(7).push(), Receipt)
Counter.anything.group(7).push([1, "two"])
Counter.increment.pause()
Counter.resume()


async def in_async_code() -> None:
    assert_type(await counter.aask(Counter.increment, {"amount": 5}), Value)
    assert_type(await counter.asend(Counter.stop), Receipt)
    assert_type(await sync.acall(Sync.report), str)
    assert_type(await Counter.acreate("main"), Handle[Counter])
    await Counter.increment.group(7).apush(Increment(amount=1))
    message = current_message()
    if message is not None:
        assert_type(message.id, str)


def takes_any_reference(queue: Queue[Any, Any], call: Callable[..., Any]) -> None: ...


takes_any_reference(Counter.increment, print)
takes_any_reference(Sync.plain, print)
