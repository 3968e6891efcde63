"""JSON as HTML that folds without a script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

CHARACTERS = 20_000  # of keys and values together
ENTRIES = 1_000  # in all
ENTRIES_OF_ONE = 100  # object or list
DEPTH = 12
OPEN_DEPTH, OPEN_ENTRIES = 3, 20  # above these it begins folded

Entry = tuple[SafeString, SafeString]  # a label, and what it names


class Tree:
    """Draws one value, as much of it as a person can read. Everything from outside is escaped where it enters."""

    def __init__(self) -> None:
        self.characters = CHARACTERS
        self.entries = ENTRIES
        self.was_cut = False

    def draw(self, value: Any, depth: int = 0) -> SafeString:
        if isinstance(value, dict):
            return self.fold(value.items(), len(value), depth, "{}")
        if isinstance(value, list):
            return self.fold(enumerate(value), len(value), depth, "[]")
        kind = "text" if isinstance(value, str) else "number" if is_number(value) else "constant"
        text = value if isinstance(value, str) else json.dumps(value)
        shown = self.cut(text)
        return format_html('<code class="aq-value aq-{}">{}</code>', kind, shown if shown or text else "“”")

    def fold(self, items: Iterable[tuple[Any, Any]], count: int, depth: int, empty: str) -> SafeString:
        if not count:
            return format_html('<code class="aq-value aq-constant">{}</code>', empty)
        said = ngettext("%(count)d entry", "%(count)d entries", count) % {"count": count}
        if depth >= DEPTH:
            self.was_cut = True
            return format_html('<span class="aq-cut">{}</span>', said)
        rows = format_html_join("", "<div><dt>{}</dt><dd>{}</dd></div>", self.rows(items, count, depth))
        state = "open" if depth < OPEN_DEPTH and count <= OPEN_ENTRIES else ""
        return format_html(
            '<details class="aq-tree" {}><summary>{}</summary><dl>{}</dl></details>', state, said, rows
        )

    def rows(self, items: Iterable[tuple[Any, Any]], count: int, depth: int) -> Iterator[Entry]:
        for number, (name, value) in enumerate(items):
            if number >= ENTRIES_OF_ONE or self.entries <= 0 or self.characters <= 0:
                self.was_cut = True
                more = ngettext("and %(count)d more", "and %(count)d more", count - number)
                yield SafeString("…"), format_html("{}", more % {"count": count - number})
                return
            self.entries -= 1
            label = str(name) if isinstance(name, int) else self.cut(name)
            yield format_html("{}", label), self.draw(value, depth + 1)

    def cut(self, text: str) -> str:
        """What there is room for. Half a character, which no page can carry, is written as JSON has it."""
        shown = text[: max(0, self.characters)]
        self.characters -= len(shown)
        whole = len(shown) == len(text)
        shown = shown.encode(errors="backslashreplace").decode()
        if whole:
            return shown
        self.was_cut = True
        return shown + _("… (%(count)d characters in all)") % {"count": len(text)}


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
