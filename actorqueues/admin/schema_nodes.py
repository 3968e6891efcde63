"""What a form has to know of one value in a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

Node = Mapping[str, Any]

ABSENT: Final = object()
REFERENCES = 20  # to be followed from one place
OWN_FORMATS = ("date", "date-time", "time")  # with fields that show what they want
LIMITS = {
    "minimum": gettext_lazy("at least %s"),
    "exclusiveMinimum": gettext_lazy("more than %s"),
    "maximum": gettext_lazy("at most %s"),
    "exclusiveMaximum": gettext_lazy("less than %s"),
    "multipleOf": gettext_lazy("a multiple of %s"),
    "minLength": gettext_lazy("at least %s characters"),
    "maxLength": gettext_lazy("at most %s characters"),
    "pattern": gettext_lazy("matches %s"),
    "format": gettext_lazy("format: %s"),
    "minItems": gettext_lazy("at least %s items"),
    "maxItems": gettext_lazy("at most %s items"),
}


@dataclass(frozen=True)
class Place:
    """One value of a body: ``node`` is its schema with references followed, and without ``null``."""

    node: Node
    label: str
    is_required: bool
    takes_null: bool

    @classmethod
    def of(cls, node: Any, definitions: Node, *, label: str, is_required: bool) -> Place:
        # What it refers to has a title too, but that names the model: two addresses would look the same.
        title = node.get("title") if isinstance(node, Mapping) else None
        node, takes_null = without_null(followed(node, definitions), definitions)
        return cls(node, str(title or label), is_required, takes_null)

    @property
    def default(self) -> Any:
        return self.node.get("default", ABSENT)

    @property
    def help_text(self) -> str:
        """Its description, its limits, its default."""
        sentences = [str(self.node.get("description", "")).strip()]
        limits = ", ".join(self.limits())
        sentences.append(limits[:1].upper() + limits[1:])
        if self.default not in (ABSENT, None):
            sentences.append(_("Default: %s") % json.dumps(self.default, ensure_ascii=False))
        return " ".join(text if text.endswith(".") else f"{text}." for text in sentences if text)

    def limits(self) -> Iterator[str]:
        node = numeric(self.node) if is_decimal(self.node) else self.node
        for name, words in LIMITS.items():
            if name in node and node[name] not in OWN_FORMATS:
                yield words % node[name]


def followed(start: Any, definitions: Node) -> Node:
    """What stands beside a reference counts for more than what it leads to."""
    node: Node = start if isinstance(start, Mapping) else {}
    for _step in range(REFERENCES):
        parts = node.get("allOf", ())
        if "$ref" in node:
            found = definitions.get(str(node["$ref"]).rpartition("/")[2], {})
        elif len(parts) == 1:
            found = parts[0]
        else:
            return node
        node = {**found, **without(node, "$ref", "allOf")}
    return {}


def without_null(node: Node, definitions: Node) -> tuple[Node, bool]:
    """``X | None`` is an X that may be left blank."""
    choices = node.get("anyOf", ())
    others = [one for one in choices if one.get("type") != "null"]
    if len(others) == len(choices):
        values = node.get("enum", ())
        return node, None in values
    beside = without(node, "anyOf")
    if len(others) == 1:
        return {**followed(others[0], definitions), **beside}, True
    return {**beside, "anyOf": others}, True


def is_decimal(node: Node) -> bool:
    """A number, or a text that looks like one: only the text keeps every digit."""
    return {one.get("type") for one in node.get("anyOf", ())} == {"number", "string"}


def numeric(node: Node) -> Node:
    """Of a decimal, what it says of the number."""
    return next(one for one in node["anyOf"] if one["type"] == "number")


def without(node: Node, *names: str) -> dict[str, Any]:
    return {name: value for name, value in node.items() if name not in names}
