"""The tour that ``manage.py demo`` gives. Every scene checks what it shows."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from django.core.management import call_command
from django.db import transaction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from actorqueues import ActorQueuesError
from demo_project.shop.actors import Assistant, Cart, Counter, Importer, Invoicing
from demo_project.shop.models import Invoice, Product
from demo_project.worker import running_worker

PATIENCE = 30  # seconds for any reply: the first one waits for the worker to start

NEXT = """
The worker is still running. In another terminal, try:

  [bold]python manage.py actorqueues send counter main increment '{"amount": 5}' --wait[/]
  [bold]python manage.py actorqueues send assistant you prompt '{"text": "Why actors?"}' --wait[/]
  [bold]python manage.py actorqueues send assistant you stop[/]
  [bold]python manage.py actorqueues inspect[/]

The actors are in demo_project/shop/actors.py. Ctrl-C ends this."""


class WrongAnswer(Exception):
    """What came back is not what should have."""


class Tour:
    """Prints the scenes and holds them to what they promise."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.visit = secrets.token_hex(3)  # actors of this tour only: the database may have seen others

    def scene(self, title: str) -> None:
        self.console.print(f"\n[bold cyan]{title}[/]")

    def show(self, text: str) -> None:
        self.console.print(f"  {text}", highlight=False)

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise WrongAnswer(f"{what}: expected {wanted!r}, found {found!r}")
        self.console.print(f"  [green]✓[/] {what}", highlight=False)

    def bar(self) -> Progress:
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        return Progress(*columns, console=self.console)


def run_demo(*, stay: bool) -> int:
    """Gives the tour; with ``stay``, keeps the worker until Ctrl-C. The process's exit code."""
    console = Console()
    tour = Tour(console)
    call_command("migrate", verbosity=0)
    try:
        with running_worker() as worker:
            for scene in SCENES:
                scene(tour)
            if stay:
                console.print(NEXT, highlight=False, soft_wrap=True)
                worker.wait()
        if worker.returncode != 0:
            raise WrongAnswer(f"the worker ended with exit code {worker.returncode}")
    except (WrongAnswer, ActorQueuesError) as error:
        console.print(f"  [bold red]✗[/] {error}", highlight=False)
        return 1
    except KeyboardInterrupt:
        pass
    console.print("\n[green]The worker has stopped; nothing was lost.[/]")
    return 0


def ask_and_reply(tour: Tour) -> None:
    tour.scene("A counter: ask it, and it replies")
    counter = Counter.get_or_create(f"counter-{tour.visit}")
    for amount in (1, 2, 3):
        value = counter.ask(Counter.increment, {"amount": amount}, timeout=PATIENCE).value
        tour.show(f'ask(Counter.increment, {{"amount": {amount}}}) → {value}')
    tour.expect("replies are in the order of the questions", value, 6)


def many_at_once(tour: Tour) -> None:
    tour.scene("2,000 messages to one actor: none lost, none doubled")
    counter = Counter.get_or_create(f"counter-{tour.visit}")
    bodies = [{"amount": 1}] * 2000
    with tour.bar() as progress:
        sending = progress.add_task("sent     ", total=len(bodies))
        counter.send_many(
            Counter.increment, bodies, progress=lambda done: progress.update(sending, completed=done)
        )
        handling = progress.add_task("committed", total=len(bodies))
        wait_until(lambda: watch_counter(counter, lambda done: progress.update(handling, completed=done)))
    tour.expect("its state is exactly the sum", counter.get_state().value, 2006)


def watch_counter(counter: Any, show: Callable[[int], None]) -> bool:
    done = counter.get_state().value - 6
    show(done)
    return done >= 2000


def shopping(tour: Tour) -> None:
    tour.scene("A cart: handlers, an action, and work for another actor in the same commit")
    cart = Cart.get_or_create(f"order-{tour.visit}")
    for sku, price in (("tea", 450), ("pot", 2900), ("cup", 700)):
        total = cart.ask(Cart.add, {"sku": sku, "price_cents": price}, timeout=PATIENCE)
        tour.show(f"{sku} added: {total.lines} in the cart, {total.cents / 100:.2f} €")
    tour.expect("lines are in order", [line.sku for line in cart.get_state().lines], ["tea", "pot", "cup"])
    bill = cart.ask(Cart.check_out, timeout=PATIENCE)
    tour.expect("the bill has the sum", bill.cents, 4050)
    invoices = Invoice.objects.filter(order=bill.order)
    wait_until(invoices.exists)
    tour.expect("invoiced once", [invoice.total_cents for invoice in invoices], [4050])
    late = cart.send(Cart.add, {"sku": "spoon", "price_cents": 100}, wait=True, timeout=PATIENCE)
    tour.show(f"too late for a spoon: {late.error}")
    tour.expect("a paid cart refuses", (late.status, cart.call(Cart.total).lines), ("failed", 3))


def in_your_transaction(tour: Tour) -> None:
    tour.scene("Your transaction: rolled back, the message was never sent")
    bill = {"order": f"never-{tour.visit}", "cents": 1}
    with transaction.atomic():
        Invoicing.get_or_create("all").send(Invoicing.write, bill)
        transaction.set_rollback(True)
    kept = {"order": f"kept-{tour.visit}", "cents": 2}
    with transaction.atomic():
        Invoicing.get_or_create("all").send(Invoicing.write, kept)
    wait_until(Invoice.objects.filter(order=kept["order"]).exists)
    tour.expect("only the committed one arrived", Invoice.objects.filter(order=bill["order"]).count(), 0)


def importing(tour: Tour) -> None:
    tour.scene("An importer: progress while it works")
    importer = Importer.get_or_create(tour.visit)
    receipt = importer.send(Importer.load, {"supplier": tour.visit, "products": 120}, track=True)
    seen = []
    with tour.bar() as progress:
        task = progress.add_task("products", total=120)
        for report in importer.follow(receipt, timeout=PATIENCE):
            seen.append(report.done)
            progress.update(task, completed=report.done)
    tour.expect("progress only went forward, to the end", (seen == sorted(seen), seen[-1:]), (True, [120]))
    reply = importer.wait_for(receipt, timeout=PATIENCE).response
    tour.expect("it replied", reply.products, 120)
    tour.expect("its rows are there", Product.objects.filter(sku__startswith=f"{tour.visit}-").count(), 120)


def interrupting(tour: Tour) -> None:
    tour.scene("An assistant: it talks, and a second queue interrupts it")
    assistant = Assistant.get_or_create(tour.visit)
    receipt = assistant.send(Assistant.prompt, {"text": "Why would anybody want actors?"}, track=True)
    wait_until(lambda: len(words_of(assistant)) >= 8)
    assistant.send(Assistant.stop)
    result = assistant.wait_for(receipt, timeout=PATIENCE)
    tour.show(f"“{result.response.text} …”")
    tour.expect("it was stopped in mid-sentence", result.response.stopped, True)
    said = result.response.text.split()
    tour.expect("its words came as events, in order", words_of(assistant), said)


def words_of(assistant: Any) -> list[str]:
    return [event.data["text"] for event in assistant.events() if event.name == "word"]


def refusing(tour: Tour) -> None:
    refused = False
    tour.scene("Mistakes: refused before anything is stored")
    try:
        Counter.get_or_create("main").send(Counter.increment, {"amount": "many"})
    except ActorQueuesError as error:
        tour.show(f"[yellow]{error.code}[/]: {error.message}")
        refused = True
    tour.expect("the sender hears of it at once", refused, True)


SCENES = (ask_and_reply, many_at_once, shopping, in_your_transaction, importing, interrupting, refusing)


def wait_until(ready: Callable[[], bool]) -> None:
    """Looks again and again until it is so; WrongAnswer if it never is."""
    give_up_at = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > give_up_at:
            raise WrongAnswer(f"nothing happened for {PATIENCE} seconds")
        time.sleep(0.05)
