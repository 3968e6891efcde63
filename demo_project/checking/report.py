import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape

PATIENCE = 120.0  # seconds: a busy machine is slow, and that is no fault
TICK = 0.05

T = TypeVar("T")


class Failed(Exception):
    """Something on a page is not as it should be."""


class Report:
    """Prints what was found, and ends at the first thing that is wrong."""

    def __init__(self) -> None:
        self.console = Console()

    def begin(self, page: str, way: str) -> None:
        self.console.print(f"[bold]{page}[/] [dim]by {way}[/]", highlight=False)

    def expect(self, what: str, found: Any, wanted: Any) -> None:
        if found != wanted:
            raise Failed(f"{what}: expected {wanted!r}, found {found!r}")
        self.tell(what)

    def tell(self, what: str) -> None:
        self.console.print(f"  [green]✓[/] {escape(what)}", highlight=False, soft_wrap=True)

    def complain(self, problem: object) -> None:
        self.console.print(f"  [bold red]✗[/] {escape(str(problem))}", highlight=False, soft_wrap=True)


async def until(what: str, look: Callable[[], Awaitable[T]], enough: Callable[[T], object] = bool) -> T:
    """What ``look`` finds when it is enough. Raises ``Failed`` with what was found last."""
    give_up_at = time.monotonic() + PATIENCE
    while not enough(found := await look()):
        if time.monotonic() > give_up_at:
            raise Failed(f"{what}: not within {PATIENCE:g} seconds, last found {found!r}")
        await asyncio.sleep(TICK)
    return found
