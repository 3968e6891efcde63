"""The shop's actors. Each has a key, a mailbox and a state of its own, and does one thing at a time."""

import asyncio
import time
from collections.abc import AsyncIterator

from actorqueues import AbortSignal, Actor, Message, Queue, Reject, action, handler
from demo_project.shop.bodies import (
    Answer,
    Bill,
    CartState,
    Catalogue,
    Chat,
    CounterState,
    Imported,
    Increment,
    Line,
    Prompt,
    Total,
    Value,
)
from demo_project.shop.models import Invoice, Product


class Counter(Actor[CounterState]):
    """The smallest useful actor: it owns its loop and completes each message with a reply."""

    exposed = True  # try it: POST /api/actors/counter/main/queue/increment/
    increment = Queue(Increment, reply=Value)

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            self.state.value += message.body.amount
            await message.complete(Value(value=self.state.value))


class Cart(Actor[CartState]):
    """One customer's cart, served by handlers: what they return is the reply."""

    @handler
    def add(self, body: Line) -> Total:
        if self.state.paid:
            raise Reject(f"{self.key[0]} is paid: start another one")
        self.state.lines.append(body)
        return self.total()

    @handler
    def check_out(self) -> Bill:
        bill = Bill(order=self.key[0], cents=self.total().cents)
        self.state.paid = True
        Invoicing.get_or_create("all").send(Invoicing.write, bill)  # leaves when this delivery commits
        return bill

    @action(safe=True)
    def total(self) -> Total:
        cents = sum(line.quantity * line.price_cents for line in self.state.lines)
        return Total(lines=len(self.state.lines), cents=cents)


class Invoicing(Actor):
    """Writes its rows in the transaction that settles the message: exactly once, whatever crashes when."""

    @handler(atomic=True)
    def write(self, body: Bill) -> None:
        Invoice.objects.create(order=body.order, total_cents=body.cents)


class Importer(Actor):
    """Long work that shows its progress. A crash repeats it, so it writes only what may be written twice."""

    @handler(timeout=300, max_attempts=5)
    def load(self, body: Catalogue, message: Message) -> Imported:
        for number in range(1, body.products + 1):
            values = {"name": f"{body.supplier} no. {number}", "price_cents": 100 * number}
            Product.objects.update_or_create(sku=f"{body.supplier}-{number}".lower(), defaults=values)
            message.progress(number, body.products, values["name"])
            time.sleep(0.01)  # the supplier's server is slow
        return Imported(products=body.products)


class Assistant(Actor[Chat]):
    """Answers word by word, until it has said everything or a message in its stop queue interrupts it."""

    exposed = ["prompt", "stop"]
    prompt = Queue(Prompt, reply=Answer)
    stop = Queue(None, priority=10)

    async def run(self) -> None:
        async for message in self.prompt.iter(completable=True):
            said: list[str] = []
            async with self.watch(self.stop) as signal:
                async for word in thinking_aloud(message.body.text, signal):
                    said.append(word)
                    self.broadcast("word", {"id": message.id, "text": word}, live=True)
            answer = Answer(text=" ".join(said), stopped=signal.aborted)
            self.state.answers.append(answer)
            await message.complete(answer)


async def thinking_aloud(question: str, signal: AbortSignal) -> AsyncIterator[str]:
    """Stands in for a language model: it repeats the question at length, at the pace of a thinker."""
    for word in (question + " That is what you ask, and I could talk about it for hours. ").split() * 20:
        if signal.aborted:
            return
        yield word
        await asyncio.sleep(0.05)
