"""What can be done to a queue of all actors of a type, or to the whole type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from actorqueues.admin.audit import Record
from actorqueues.admin.operations import Done, Operation, Operator
from actorqueues.admin.purging import purging
from actorqueues.models import Pause
from actorqueues.storage.pausing import pause_type, read_pauses, resume_type
from actorqueues.storage.purging import Purged, newest_message, purge_type

LONGEST_NAME = 64  # characters, as the columns have it


@dataclass(frozen=True)
class QueuePlace:
    """A queue of all actors of a type; without a name all that the type has."""

    type: str
    queue: str = ""

    @classmethod
    def parse(cls, text: str) -> QueuePlace:
        """Raises ``Http404`` for what can be no name."""
        type_name, _, queue = text.partition("/")
        if "\x00" in text or not type_name or max(len(type_name), len(queue)) > LONGEST_NAME:
            raise Http404
        return cls(type_name, queue)

    @property
    def address(self) -> str:
        return f"{self.type}/{self.queue}"

    def __str__(self) -> str:
        return self.address if self.queue else self.type


Places = Sequence[QueuePlace]


def record_places(places: Places, using: str) -> Sequence[Record]:
    """They have no row, and no page of their own."""
    return [Record(Pause, None, str(place)) for place in places]


def unless(
    paused: bool, reason: Any, do: Callable[[QueuePlace, Operator], None]
) -> Callable[[Places, Operator, Done[QueuePlace]], None]:
    """Does it to those whose pause is (not) there."""

    def work(places: Places, operator: Operator, done: Done[QueuePlace]) -> None:
        pauses = read_pauses(using=operator.using)
        for place in done.each(places):
            if ((place.type, place.queue) in pauses) is paused:
                done.refuse(reason, place)
            else:
                do(place, operator)
                done.targets.append(place)

    return work


def pause(place: QueuePlace, by: Operator) -> None:
    pause_type(place.type, place.queue, using=by.using)


def resume(place: QueuePlace, by: Operator) -> None:
    resume_type(place.type, place.queue, using=by.using)


def purge(place: QueuePlace, by: Operator) -> Iterator[Purged]:
    return purge_type(place.type, place.queue, newest=by.seen, user_id=by.user_id, using=by.using)


OPERATIONS: Sequence[Operation[QueuePlace]] = (
    Operation(
        "pause",
        _("Pause"),
        "actorqueues.add_pause",
        ngettext_lazy("Pause this for all actors of the type?", "Pause these %(count)d?", "count"),
        ngettext_lazy("Paused %(count)d queue or type.", "Paused %(count)d queues or types.", "count"),
        unless(True, _("it is paused already."), pause),
        records=record_places,
        warning=_("Mail is stored, but not handled. Workers learn of it within one POLL_INTERVAL."),
    ),
    Operation(
        "resume",
        _("Resume"),
        "actorqueues.delete_pause",
        ngettext_lazy("Resume this for all actors of the type?", "Resume these %(count)d?", "count"),
        ngettext_lazy("Resumed %(count)d queue or type.", "Resumed %(count)d queues or types.", "count"),
        unless(False, _("it is not paused."), resume),
        records=record_places,
    ),
    Operation(
        "purge",
        _("Purge"),
        "actorqueues.delete_message",
        ngettext_lazy(
            "Delete the mail of this queue?", "Delete the mail of these %(count)d queues?", "count"
        ),
        ngettext_lazy("Deleted %(count)d message.", "Deleted %(count)d messages.", "count"),
        purging(purge),
        warning=_(
            "Of all actors of the type, but for what is in flight. Who waits for a reply gets “failed”. "
            "This cannot be undone."
        ),
        applies=lambda place: bool(place.queue),
        sees=newest_message,
        records=record_places,
    ),
)
