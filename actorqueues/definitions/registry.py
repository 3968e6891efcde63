"""Which actor types this process knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.module_loading import autodiscover_modules

from actorqueues.definitions.names import suggestion
from actorqueues.definitions.problems import DefinitionInvalid, Problem
from actorqueues.exceptions import UnknownActor, UnknownQueue

if TYPE_CHECKING:
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.queue import Queue


class Registry:
    """Actor classes by type name. Classes register themselves when they are made."""

    def __init__(self) -> None:
        self._classes: dict[str, type[Actor[Any]]] = {}
        self._clashes: list[Problem] = []

    def register(self, actor_class: type[Actor[Any]]) -> None:
        """Make a class known. The last one of a name wins; that two modules share one is a check error."""
        name = actor_class.type_name
        known = self._classes.get(name)
        if known is not None and _is_other(known, actor_class):
            self._clashes.append(_clash(name, known, actor_class))
        self._classes[name] = actor_class

    def unregister(self, actor_class: type[Actor[Any]]) -> None:
        """Forget a class, for tests."""
        if self._classes.get(actor_class.type_name) is actor_class:
            del self._classes[actor_class.type_name]
        self._clashes = [clash for clash in self._clashes if clash.subject is not actor_class]

    def get(self, type_name: str) -> type[Actor[Any]]:
        """Raises ``UnknownActor``, with the nearest name."""
        try:
            return self._classes[type_name]
        except KeyError:
            raise UnknownActor(name=type_name, suggestion=suggestion(type_name, self._classes)) from None

    def find(self, type_name: str) -> type[Actor[Any]] | None:
        return self._classes.get(type_name)

    def all(self) -> list[type[Actor[Any]]]:
        return list(self._classes.values())

    def discover(self) -> None:
        """Import each app's ``actors.py``."""
        autodiscover_modules("actors")

    @property
    def problems(self) -> list[Problem]:
        """Mistakes in the registered definitions, for the system checks."""
        problems = list(self._clashes)
        for actor_class in self.all():
            try:
                problems.extend(actor_class.definition.problems())
            except DefinitionInvalid as error:
                problems.append(error.problem)
        return problems


def _is_other(known: type, new: type) -> bool:
    """Not the same class made again by a reload, and not a class inside a function (of a test)."""
    if "<locals>" in known.__qualname__ or "<locals>" in new.__qualname__:
        return False
    return (known.__module__, known.__qualname__) != (new.__module__, new.__qualname__)


def _clash(name: str, known: type, new: type) -> Problem:
    return Problem(
        "E010",
        f'Two actors have the type name "{name}": {_path(known)} and {_path(new)}.',
        'Give one of them another name with type_name = "...".',
        new,
    )


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def resolve_queue(actor_class: type[Actor[Any]], reference: Queue[Any, Any] | str) -> Queue[Any, Any]:
    """The queue of ``actor_class`` that a reference (its own or a base class's) or a wire name means.

    Raises ``UnknownQueue``, with the nearest name.
    """
    queues = actor_class.definition.queues
    if isinstance(reference, str):
        if reference in queues:
            return queues[reference]
        raise _unknown_queue(actor_class, reference)
    if not hasattr(reference, "attribute"):
        raise TypeError(f"A queue is meant by reference (Counter.increment) or by name, not {reference!r}.")
    if reference.owner is actor_class or issubclass(actor_class, reference.owner):
        if reference.name in queues:
            return queues[reference.name]
        raise _unknown_queue(actor_class, reference.name)
    raise UnknownQueue(
        f"{reference.owner.__name__}.{reference.attribute} is a queue of {reference.owner.__name__}, "
        f"not of {actor_class.__name__}.",
        actor_type=actor_class.type_name,
        name=reference.name,
    )


def _unknown_queue(actor_class: type[Actor[Any]], name: str) -> UnknownQueue:
    known = actor_class.definition.queues
    return UnknownQueue(actor_type=actor_class.type_name, name=name, suggestion=suggestion(name, known))


registry = Registry()
