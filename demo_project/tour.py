"""What the shop's other actors do, without a page. Every scene checks what it shows."""

import secrets
import time
from collections.abc import Callable
from typing import Any

from django.db import transaction
from rich.console import Console

from actorqueues import ActorQueuesError
from demo_project.shop.actors import Cart, Counter, Invoicing
from demo_project.shop.models import Invoice

PATIENCE = 60  # seconds for any reply: the first one waits for the worker to start


class WrongAnswer(Exception):
    """What came back is not what should have."""


class Tour:
    """Prints the scenes and holds them to what they promise."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.visit = secrets.token_hex(3)  # actors of this tour only: the database may have seen others

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise WrongAnswer(f"{what}: expected {wanted!r}, found {found!r}")
        self.console.print(f"  [green]✓[/] {what}", highlight=False, soft_wrap=True)


def take_tour(console: Console) -> None:
    """Raises ``WrongAnswer``, ``ActorQueuesError``."""
    console.print("[bold]Actors, from Python[/]")
    for scene in (shopping, in_your_transaction, refusing):
        scene(Tour(console))


def shopping(tour: Tour) -> None:
    cart = Cart.get_or_create(f"order-{tour.visit}")
    for sku, price in (("tea", 450), ("pot", 2900), ("cup", 700)):
        cart.ask(Cart.add, {"sku": sku, "price_cents": price}, timeout=PATIENCE)
    tour.expect("lines are in order", [line.sku for line in cart.get_state().lines], ["tea", "pot", "cup"])
    bill = cart.ask(Cart.check_out, timeout=PATIENCE)
    tour.expect("the bill has the sum", bill.cents, 4050)
    invoices = Invoice.objects.filter(order=bill.order)
    wait_until(invoices.exists)
    tour.expect("invoiced once, by another actor", [one.total_cents for one in invoices], [4050])
    late = cart.send(Cart.add, {"sku": "spoon", "price_cents": 100}, wait=True, timeout=PATIENCE)
    tour.expect("a paid cart refuses", (late.status, cart.call(Cart.total).lines), ("failed", 3))


def in_your_transaction(tour: Tour) -> None:
    bill = {"order": f"never-{tour.visit}", "cents": 1}
    with transaction.atomic():
        Invoicing.get_or_create("all").send(Invoicing.write, bill)
        transaction.set_rollback(True)
    kept = {"order": f"kept-{tour.visit}", "cents": 2}
    with transaction.atomic():
        Invoicing.get_or_create("all").send(Invoicing.write, kept)
    wait_until(Invoice.objects.filter(order=kept["order"]).exists)
    never = Invoice.objects.filter(order=bill["order"]).count()
    tour.expect("what was rolled back was never sent", never, 0)


def refusing(tour: Tour) -> None:
    code = None
    try:
        Counter.get_or_create("main").send(Counter.increment, {"amount": "many"})
    except ActorQueuesError as error:
        code = error.code
    tour.expect("a wrong body is refused before anything is stored", code, "queue.message_invalid")


def wait_until(ready: Callable[[], bool]) -> None:
    """Looks again and again until it is so; WrongAnswer if it never is."""
    give_up_at = time.monotonic() + PATIENCE
    while not ready():
        if time.monotonic() > give_up_at:
            raise WrongAnswer(f"nothing happened for {PATIENCE} seconds")
        time.sleep(0.05)
