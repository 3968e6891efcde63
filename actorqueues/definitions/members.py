"""The members of an actor class: which there are, and whether their names can stand."""

from typing import Any

from actorqueues.definitions.action import Action
from actorqueues.definitions.names import check_name
from actorqueues.definitions.queue import Queue

# What a subclass may set or override. Every other public name of Actor would break it if it were taken.
OVERRIDABLE = frozenset(
    {
        "_definition",  # made by Actor itself
        "abstract",
        "can_call",
        "can_connect",
        "can_create",
        "can_destroy",
        "can_list",
        "can_publish",
        "can_read",
        "can_subscribe",
        "exposed",
        "initial_state",
        "on_create",
        "on_destroy",
        "on_error",
        "on_sleep",
        "on_wake",
        "permission_classes",
        "redact",
        "run",
        "sleep_after",
        "type_name",
        "upgrade_state",
    }
)


def declared(actor_class: type, base: type) -> dict[str, Any]:
    """The attributes of a class and what it inherits, without those of the base ``Actor``."""
    members: dict[str, Any] = {}
    for cls in reversed(actor_class.__mro__):
        if cls is not object and not issubclass(base, cls):
            members.update(vars(cls))
    return members


def check_members(cls: type, base: type) -> None:
    """Mistakes that can be told from the class alone. Raises ``TypeError``."""
    wire_names: dict[str, str] = {}
    for attribute, value in declared(cls, base).items():
        is_entrance = isinstance(value, Queue | Action)
        _check_clash(cls, base, attribute, is_entrance)
        if not is_entrance:
            continue
        if isinstance(value, Queue) and value.attribute != attribute:
            raise TypeError(
                f"{cls.__name__}: {attribute} and {value.attribute} are the same Queue. Make two."
            )
        check_name(value.name, f"{cls.__name__}.{attribute}")
        if value.name in wire_names:
            both = f"{wire_names[value.name]} and {attribute}"
            raise TypeError(
                f"{cls.__name__}: {both} have the name {value.name!r}. Give one another with name=."
            )
        wire_names[value.name] = attribute


def _check_clash(cls: type, base: type, attribute: str, is_entrance: bool) -> None:
    if not any(attribute in vars(parent) for parent in base.__mro__):
        return
    if not is_entrance and (attribute in OVERRIDABLE or attribute.startswith("__")):
        return
    raise TypeError(
        f"{cls.__name__}.{attribute} takes a name that Actor itself uses. Call it something else"
        + (f', and keep the wire name with name="{attribute}".' if is_entrance else ".")
    )
