"""The shop's actors. Each has a key, a mailbox and a state of its own, and does one thing at a time."""

import asyncio
import time

from django.db.models import Count, Q

from actorqueues import Actor, Message, Queue, Reject, action, handler
from actorqueues.models import Message as StoredMessage
from demo_project.shop.bodies import (
    Answer,
    Bill,
    CartState,
    Catalogue,
    Chat,
    CounterState,
    Imported,
    Increment,
    Ledger,
    Line,
    Plan,
    Posting,
    Prompt,
    StormState,
    Total,
    Turn,
    Value,
)
from demo_project.shop.catalogue import read_item, read_lines, write_product
from demo_project.shop.models import Entry, Invoice, Product
from demo_project.shop.musing import language_model

PACE_OF_SUPPLIER = 0.012  # seconds a product: time to reload the page and to kill the worker
PACE_OF_SPEECH = 0.07  # seconds a word
TURNS_REMEMBERED = 20


class Counter(Actor[CounterState]):
    """The smallest useful actor: it owns its loop, and every message gets a reply."""

    exposed = True  # also to POST /api/actors/counter/main/queue/increment/
    increment = Queue(Increment, reply=Value)

    async def run(self) -> None:
        async for message in self.increment.iter(completable=True):
            self.state.value += message.body.amount
            self.broadcast("changed", {"value": self.state.value})
            await message.complete(Value(value=self.state.value))

    @action(safe=True)
    def value(self) -> int:
        return self.state.value


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
    """Long work. A crash repeats it, so it writes what may be written twice."""

    exposed = ["load"]  # who may send a file may follow it

    @handler
    def load(self, body: Catalogue, message: Message) -> Imported:
        lines, refused = read_lines(body.file), []
        # By an earlier attempt, which a crash has cut off.
        written = Product.objects.filter(imported_by=message.id).count()
        for number, line in enumerate(lines, 1):
            item = read_item(line)
            if isinstance(item, str):
                refused.append(f"Line {number + 1}: {item}")
                continue
            write_product(item, message.id)
            if number > written:
                message.progress(number, len(lines), item.name)
                time.sleep(PACE_OF_SUPPLIER)
        return Imported(products=len(lines) - len(refused), refused=refused)


class Assistant(Actor[Chat]):
    """Answers word by word, until a message in its other queue says stop."""

    exposed = ["prompt", "stop", "turns", "events"]
    prompt = Queue(Prompt, reply=Answer)
    stop = Queue(None, priority=10)

    async def run(self) -> None:
        async for message in self.prompt.iter(completable=True):
            said: list[str] = []
            async with self.watch(self.stop) as signal:
                for word in language_model().answer(message.body.text, seed=message.id):
                    if signal.aborted:
                        break
                    place = {"id": message.id, "place": len(said)}
                    spoken = {"text": word, "prompt": message.body.text, **place}
                    self.broadcast("word", spoken, live=True)
                    said.append(word)
                    await asyncio.sleep(PACE_OF_SPEECH)
            answer = Answer(text=" ".join(said), stopped=signal.aborted)
            turn = Turn(id=message.id, prompt=message.body.text, answer=answer)
            self.state.turns = [*self.state.turns, turn][-TURNS_REMEMBERED:]
            await message.complete(answer)

    @action(safe=True)
    def turns(self) -> list[Turn]:
        return self.state.turns


class Account(Actor):
    """Its line in the ledger and the end of its message are one transaction."""

    @handler(atomic=True)
    def post(self, body: Posting, message: Message) -> None:
        Entry.objects.create(
            storm=body.storm,
            account=int(self.key[1]),
            number=body.number,
            attempt=message.attempt,
        )


class Storm(Actor[StormState]):
    """Sends them all, and reads the ledger."""

    exposed = ["begin", "ledger"]

    @handler
    def begin(self, body: Plan) -> None:
        if self.state.sent:
            raise Reject("This storm has begun already.")
        (storm,) = self.key
        for account in range(body.accounts):
            numbers = range(account, body.messages, body.accounts)
            postings = [Posting(storm=storm, number=one) for one in numbers]
            handle = Account.get_or_create((storm, account))
            handle.send_many(Account.post, postings)
        self.state.sent = body.messages  # they leave with this commit, all or none

    @action(safe=True)
    def ledger(self) -> Ledger:
        (storm,) = self.key
        # The mailboxes first: what is handled in between is not taken for lost.
        mail = StoredMessage.objects.filter(queue="post", body__contains=storm)
        waiting, entries = mail.count(), Entry.objects.filter(storm=storm)
        counted = entries.aggregate(
            lines=Count("id"),
            once=Count("number", distinct=True),
            again=Count("id", filter=Q(attempt__gt=1)),
        )
        lines, once = counted["lines"], counted["once"]
        return Ledger(
            sent=self.state.sent,
            waiting=waiting,
            once=once,
            lost=max(0, self.state.sent - once - waiting),
            doubled=lines - once,
            again=counted["again"],
            accounts=dict(entries.values_list("account").annotate(Count("id"))),
        )
