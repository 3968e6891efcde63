"""What a person can do to actors, messages and queues: a permission, a question, the deed, and what to say of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import override

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

T = TypeVar("T")

NAMED = 5  # in a message; a list of thousands would help nobody
PATIENCE = 5.0  # seconds that a page may work before it says how far it came


@dataclass(frozen=True)
class Operator:
    """Who does it, on which database."""

    user: Any
    using: str
    note: str = ""

    @property
    def user_id(self) -> str:
        return str(self.user.pk)


@dataclass
class Done(Generic[T]):
    """What became of it: ``refused`` has targets by the reason why nothing was done to them."""

    targets: list[T] = field(default_factory=list)
    refused: dict[str, list[T]] = field(default_factory=dict)
    count: int | None = None
    """Where something else than targets is counted, such as a queue's messages."""
    rest: str = ""
    """What is left to do after ``PATIENCE``, in words; empty if nothing is."""

    def refuse(self, reason: _StrOrPromise, target: T) -> None:
        self.refused.setdefault(str(reason), []).append(target)

    @property
    def counted(self) -> int:
        return len(self.targets) if self.count is None else self.count


@dataclass(frozen=True)
class Operation(Generic[T]):
    """``question`` and ``done`` are ``ngettext_lazy`` texts with ``%(count)d``."""

    name: str
    label: _StrOrPromise
    permission: str
    question: Any
    done: Any
    work: Callable[[Sequence[T], Operator], Done[T]]
    warning: _StrOrPromise = ""
    """What cannot be undone, or is not obvious; the page that asks shows it."""
    takes_note: bool = False
    applies: Callable[[T], bool] = lambda target: True
    """Whether an object's own page offers it."""

    def allowed_to(self, user: Any) -> bool:
        return bool(user.has_perm(self.permission))


def log(operation: Operation[Any], done: Done[Any], operator: Operator) -> None:
    """An entry in the admin's log for each target that something was done to."""
    with override(None):  # it is read by others, in their own languages
        text = f"{operation.label}: {done.count}" if done.count is not None else str(operation.label)
    message = f"{text} ({operator.note})" if operator.note else text
    objects = [target for target in done.targets if isinstance(target, Model)]
    if objects:
        LogEntry.objects.log_actions(operator.user.pk, objects, CHANGE, message)
    names = [target for target in done.targets if not isinstance(target, Model)]
    LogEntry.objects.bulk_create([named_entry(target, message, operator) for target in names])


def named_entry(target: Any, message: str, operator: Operator) -> LogEntry:
    """Of what has no row: a queue, a type."""
    return LogEntry(
        user_id=operator.user.pk,
        content_type=ContentType.objects.get_for_model(target.logged_as, for_concrete_model=False),
        object_repr=str(target)[:200],
        action_flag=CHANGE,
        change_message=message,
    )


def some_of(targets: Sequence[Any]) -> str:
    names = ", ".join(str(target) for target in targets[:NAMED])
    more = len(targets) - NAMED
    return names if more <= 0 else _("%(names)s and %(count)d more") % {"names": names, "count": more}
