"""What a person can do to actors, messages and queues: a permission, a question, the deed, and what to say of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.db import close_old_connections
from django.utils.translation import gettext as _

from actorqueues.admin.audit import Record, record_rows, write_log

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

T = TypeVar("T")

NAMED = 5  # in a message; a list of thousands would help nobody
PATIENCE = 5.0  # seconds that a page may work before it says how far it came

logger = logging.getLogger("actorqueues.admin")


@dataclass(frozen=True)
class Operator:
    """Who does it, on which database."""

    user: Any
    using: str
    note: str = ""
    seen: int | None = None
    """What the operation's ``sees`` gave when the question was asked."""

    @property
    def user_id(self) -> str:
        return str(self.user.pk)


@dataclass
class Done(Generic[T]):
    """What became of it, written as it happens: it holds also when the rest fails.

    ``refused`` has targets by the reason why nothing was done to them.
    """

    targets: list[T] = field(default_factory=list)
    refused: dict[str, list[T]] = field(default_factory=dict)
    counts: dict[T, int] = field(default_factory=dict)
    """Where something else than targets is counted, such as a queue's messages: how many of each."""
    rest: str = ""
    """What is left to do after ``PATIENCE``, in words; empty if nothing is."""
    at: Sequence[T] = ()
    """What is worked on at this moment."""
    failure: Exception | None = None
    gone: int = 0
    """How many are not there any more."""

    def each(self, targets: Iterable[T]) -> Iterator[T]:
        for target in targets:
            self.at = [target]
            yield target
        self.at = ()

    def count(self, target: T, number: int) -> None:
        """So much more of this one."""
        if target not in self.counts:
            self.targets.append(target)
        self.counts[target] = self.counts.get(target, 0) + number

    def refuse(self, reason: _StrOrPromise, target: T) -> None:
        self.refused.setdefault(str(reason), []).append(target)

    @property
    def counted(self) -> int:
        return sum(self.counts.values()) if self.counts else len(self.targets)


@dataclass(frozen=True)
class Operation(Generic[T]):
    """``question`` and ``done`` are ``ngettext_lazy`` texts with ``%(count)d``."""

    name: str
    label: _StrOrPromise
    permission: str
    question: Any
    done: Any
    work: Callable[[Sequence[T], Operator, Done[T]], None]
    """Does it to one after the other, each durable by itself, and writes into ``Done`` what is durable."""
    warning: _StrOrPromise = ""
    """What cannot be undone, or is not obvious; the page that asks shows it."""
    takes_note: bool = False
    applies: Callable[[T], bool] = lambda target: True
    """Whether an object's own page offers it."""
    sees: Callable[[str], int] | None = None
    """A number that travels with the question: on this database, what came later is above it."""
    records: Callable[[Sequence[T], str], Sequence[Record]] = record_rows
    """What the log says of each target of a database, in their order; asked before the work."""

    def allowed_to(self, user: Any) -> bool:
        return bool(user.has_perm(self.permission))

    def carry_out(self, targets: Sequence[T], operator: Operator) -> Done[T]:
        """As far as it comes: an exception is logged and kept in ``failure``. The admin's log has what was done."""
        done: Done[T] = Done()
        records = dict(zip(targets, self.records(targets, operator.using), strict=True))
        try:
            self.work(targets, operator, done)
        except Exception as error:
            logger.exception("%s: failed at %s", self.name, some_of(done.at))
            done.failure = error
            close_old_connections()  # one that broke would not take the log either
        finally:  # also when the server ends the request
            written = [(records[one], done.counts.get(one)) for one in done.targets]
            write_log(operator.user.pk, self.label, written, operator.note)
        return done


def some_of(targets: Sequence[Any]) -> str:
    names = ", ".join(str(target) for target in targets[:NAMED])
    more = len(targets) - NAMED
    return names if more <= 0 else _("%(names)s and %(count)d more") % {"names": names, "count": more}
