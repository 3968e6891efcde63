"""What a queue's schema says of the fields of a form: which of them take files, and which several values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from actorqueues.api.json_schemas import Node, Schemas
from actorqueues.definitions.queue import Queue

CHOICES = ("anyOf", "oneOf", "allOf")


class FormField(NamedTuple):
    takes_files: bool = False
    takes_several: bool = False


_found: WeakKeyDictionary[Queue[Any, Any], Mapping[str, FormField]] = WeakKeyDictionary()


def form_fields_of(queue: Queue[Any, Any]) -> Mapping[str, FormField]:
    """By the names that clients use. Whatever pydantic makes an object of has them: models, dataclasses, unions."""
    if queue not in _found:
        _found[queue] = {} if queue.body is None else described(Schemas(), queue)
    return _found[queue]


def described(schemas: Schemas, queue: Queue[Any, Any]) -> dict[str, FormField]:
    nodes: dict[str, list[Node]] = {}
    for form in meant(schemas, schemas.of(queue.body) if queue.body is not None else {}):
        for name, node in form.get("properties", {}).items():
            nodes.setdefault(name, []).append(node)
    return {name: field_of(schemas, some) for name, some in nodes.items()}


def field_of(schemas: Schemas, nodes: list[Node]) -> FormField:
    here = [one for node in nodes for one in meant(schemas, node)]
    lists = [one for one in here if one.get("type") == "array"]
    inside = [one for found in lists for item in items_of(found) for one in meant(schemas, item)]
    return FormField(
        takes_files=any("contentEncoding" in one for one in here + inside), takes_several=bool(lists)
    )


def items_of(node: Node) -> Iterator[Node]:
    yield from node.get("prefixItems", ())
    if isinstance(node.get("items"), dict):
        yield node["items"]


def meant(schemas: Schemas, node: Node) -> Iterator[Node]:
    """The schema itself, or each of those between which it chooses."""
    found = schemas.resolved(node)
    yield found
    for kind in CHOICES:
        for one in found.get(kind, ()):
            yield from meant(schemas, one)
