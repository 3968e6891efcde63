"""The definition of an actor type: what its class declares, collected and checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from actorqueues.definitions.action import Action
from actorqueues.definitions.annotations import module_namespace, resolve, type_argument
from actorqueues.definitions.handler import Handler
from actorqueues.definitions.members import declared
from actorqueues.definitions.problems import DefinitionInvalid, Problem
from actorqueues.definitions.queue import Queue
from actorqueues.definitions.state import StateSchema
from actorqueues.durations import optional_seconds
from actorqueues.exceptions import StateInvalid

if TYPE_CHECKING:
    from actorqueues.definitions.actor import Actor


@dataclass(frozen=True)
class ActorDefinition:
    """What a worker, a sender and a check need to know of an actor type."""

    type_name: str
    actor_class: type[Actor[Any]]
    queues: dict[str, Queue[Any, Any]]
    """By wire name; handlers are queues too."""
    actions: dict[str, Action[Any, Any]]
    state: StateSchema
    sleep_after: float | None
    """Seconds; None leaves it to the worker's setting, ``math.inf`` is never."""
    exposed: bool | frozenset[str]
    has_custom_run: bool

    @property
    def handlers(self) -> dict[str, Handler[Any, Any]]:
        return {name: queue for name, queue in self.queues.items() if isinstance(queue, Handler)}

    def exposes(self, name: str) -> bool:
        """Whether a queue or action of this wire name, ``state`` or ``events`` may be reached from outside."""
        return self.exposed is True or (self.exposed is not False and name in self.exposed)

    def upgrade(self, raw: Any) -> Any:
        """What ``upgrade_state`` makes of old stored state, be it a method of the class or of instances."""
        return self.actor_class.__new__(self.actor_class).upgrade_state(raw)

    def problems(self) -> Iterator[Problem]:
        """Mistakes that are seen only when everything is imported."""
        yield from self._schema_problems()
        yield from self._state_problems()
        yield from self._run_problems()

    def _schema_problems(self) -> Iterator[Problem]:
        for queue in self.queues.values():
            for part in ("body", "reply"):
                try:
                    getattr(queue, part)
                except DefinitionInvalid as error:
                    yield error.problem

    def _state_problems(self) -> Iterator[Problem]:
        try:
            self.state.dump(self.state.initial())
        except Exception as error:  # noqa: BLE001  initial_state may be the project's own function
            message = error.message if isinstance(error, StateInvalid) else f"{type(error).__name__}: {error}"
            yield Problem(
                "E013",
                f"{self.actor_class.__name__} has no valid first state: {message}",
                "Give every field of the state a default, or set initial_state.",
                self.actor_class,
            )

    def _run_problems(self) -> Iterator[Problem]:
        name, handlers = self.actor_class.__name__, ", ".join(sorted(self.handlers))
        if self.has_custom_run and self.handlers and not _serves_handlers(self.actor_class):
            yield Problem(
                "E014",
                f"{name} has handlers ({handlers}), and its own run() never serves them.",
                "Call `await self.serve_handlers()` in run(), or leave run() out.",
                self.actor_class,
            )
        unread = sorted(set(self.queues) - set(self.handlers))
        if unread and not self.has_custom_run:
            yield Problem(
                "W015",
                f"{name} has queues that nobody reads: {', '.join(unread)}.",
                "Write a run() that receives from them, or make them handlers.",
                self.actor_class,
            )


def define(actor_class: type[Actor[Any]], base: type[Actor[Any]]) -> ActorDefinition:
    """Collect what ``actor_class`` declares. Raises ``DefinitionInvalid``."""
    members = declared(actor_class, base)
    queues = [value.of(actor_class) for value in members.values() if isinstance(value, Queue)]
    actions = [value for value in members.values() if isinstance(value, Action)]
    return ActorDefinition(
        type_name=actor_class.type_name,
        actor_class=actor_class,
        queues={queue.name: queue for queue in queues},
        actions={action.name: action for action in actions},
        state=_state_schema(actor_class, base),
        sleep_after=optional_seconds(actor_class.sleep_after, f"{actor_class.__name__}.sleep_after"),
        exposed=_exposed(actor_class.exposed),
        has_custom_run=actor_class.run is not base.run,
    )


def _state_schema(actor_class: type[Actor[Any]], base: type) -> StateSchema:
    annotation = type_argument(actor_class, base)
    try:
        annotation = resolve(annotation, (vars(actor_class), module_namespace(actor_class)))
        return StateSchema(actor_class.type_name, annotation, actor_class.initial_state)
    except Exception as error:
        raise DefinitionInvalid(
            Problem(
                "E016",
                f"The state type of {actor_class.__name__} cannot be used: {' '.join(str(error).split())}",
                "Use a pydantic model that is imported at run time (not under TYPE_CHECKING), or none.",
                actor_class,
            )
        ) from error


def _exposed(exposed: Any) -> bool | frozenset[str]:
    if isinstance(exposed, bool):
        return exposed
    if isinstance(exposed, str):
        return frozenset({exposed})
    return frozenset(item if isinstance(item, str) else item.name for item in exposed)


def _serves_handlers(actor_class: type[Actor[Any]]) -> bool:
    """Whether any function of the class and its bases names ``serve_handlers`` or ``super().run``."""
    members = (value for cls in _below_actor(actor_class) for value in vars(cls).values())
    functions = (getattr(member, "__wrapped__", member) for member in members)
    codes = [function.__code__ for function in functions if isinstance(function, FunctionType)]
    return any(
        _names(code, "serve_handlers") or (_names(code, "super") and _names(code, "run")) for code in codes
    )


def _below_actor(actor_class: type[Actor[Any]]) -> Iterator[type]:
    for cls in actor_class.__mro__:
        if "_is_base_actor" in vars(cls):
            return
        yield cls


def _names(code: CodeType, name: str) -> bool:
    return name in code.co_names or any(
        _names(inner, name) for inner in code.co_consts if isinstance(inner, CodeType)
    )
