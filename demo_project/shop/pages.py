"""The demo's pages: what each says of itself, and which code it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from demo_project.shop import killing
from demo_project.shop.actors import Account, Assistant, Counter, Importer, Storm
from demo_project.shop.catalogue import write_product
from demo_project.shop.musing import LanguageModel


@dataclass(frozen=True)
class Page:
    name: str
    title: str
    lead: str
    script: str
    code: tuple[type[Any] | Callable[..., Any], ...]


PAGES = (
    Page(
        "counter",
        "A counter",
        "One actor, one number. Ask it to add, and it answers when the new number is stored. Open this page "
        "in a second window: whoever adds, both show it.",
        "counter.js",
        (Counter,),
    ),
    Page(
        "import",
        "An import that survives",
        "A file goes into a queue, and an actor writes its products, line by line. Load the page again, or "
        "kill the worker: the message is delivered once more, and the bar goes on to the end.",
        "import.js",
        (Importer, write_product),
    ),
    Page(
        "assistant",
        "An assistant that can be stopped",
        "Prompts wait in one queue, and a second queue says stop. Every word is a numbered event: who loads "
        "the page again gets those that were said meanwhile.",
        "assistant.js",
        (Assistant, LanguageModel),
    ),
    Page(
        "storm",
        "A storm, and a ledger",
        "Ten thousand messages to five hundred actors, each of which writes a line into a ledger. Kill the "
        "worker in the middle of it, then count: nothing is lost, nothing is there twice.",
        "storm.js",
        (Account, Storm, killing.kill_workers),
    ),
)
