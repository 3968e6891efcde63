"""What stands in the admin's log of what a person did: to what, and where that is found afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils.translation import override

from actorqueues.diagnosis.unclaimed import receivers_of
from actorqueues.models import ActorInstance, DeadLetter, Message

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

LONGEST = 200  # characters of a name, as the log's column has it


@dataclass(frozen=True)
class Record:
    """``key``: of a page of ``model`` that is there also afterwards; None where there is none."""

    model: Any
    key: str | None
    name: str


def record_rows(rows: Sequence[Any], using: str) -> Sequence[Record]:
    return [Record(type(row), str(row.pk), str(row)) for row in rows]


def record_receivers(messages: Sequence[Message], using: str) -> Sequence[Record]:
    """Messages go, and their numbers with them: their actors stay."""
    names = named(messages, using)
    return [
        Record(ActorInstance, str(message.actor_id), name)
        for message, name in zip(messages, names, strict=True)
    ]


def record_letters(messages: Sequence[Message], using: str) -> Sequence[Record]:
    """Of messages that become dead letters. A letter that was replayed leads on to its message."""
    names = named(messages, using)
    return [Record(DeadLetter, str(message.uid), name) for message, name in zip(messages, names, strict=True)]


def named(messages: Sequence[Message], using: str) -> list[str]:
    """Queue and id first: a key may be longer than the log's column."""
    actors = receivers_of(messages, using)
    return [f"{message} ({actors.get(message.actor_id, message.actor_id.hex)})" for message in messages]


def write_log(
    user_id: Any, label: _StrOrPromise, written: Sequence[tuple[Record, int | None]], note: str = ""
) -> None:
    """An entry for each record, with its own number where there is one."""
    with override(None):  # it is read by others, in their own languages
        text = str(label)
    types = ContentType.objects.get_for_models(
        *{record.model for record, _number in written}, for_concrete_models=False
    )
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=user_id,
            content_type=types[record.model],
            object_id=record.key,
            object_repr=record.name[:LONGEST],
            action_flag=CHANGE,
            change_message=said(text, number, note),
        )
        for record, number in written
    )


def said(text: str, number: int | None, note: str) -> str:
    counted = text if number is None else f"{text}: {number}"
    return f"{counted} ({note})" if note else counted
