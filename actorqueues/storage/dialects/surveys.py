"""What people look at: tables that may be deep are read in part, or estimated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class WantedHeads:
    """The first ``limit`` mailbox messages of one queue of one actor."""

    actor_id: UUID
    queue: str
    limit: int


class Mark(NamedTuple):
    """What is to be seen of a mailbox message from outside: where it stands, not what is in it."""

    actor_id: UUID
    queue: str
    id: int
    enqueued_at: datetime
    started_at: datetime | None
    retry_at: datetime | None


MARK_COLUMNS = Mark._fields


class Sampled(NamedTuple):
    """So many of the sampled messages are in this queue of actors of this type."""

    actor_type: str | None
    """None where neither a row nor a wake tells."""
    queue: str
    is_scheduled: bool
    messages: int


@dataclass(frozen=True)
class Sample:
    """A part of all messages. Each stands for ``factor`` of them; 1.0 is all of them."""

    found: list[Sampled]
    factor: float


class Surveys(Protocol):
    """The part of the seam that the inspector and ``doctor`` look through."""

    def estimate_rows(self, connection: BaseDatabaseWrapper, model: type[models.Model]) -> int:
        """About how many rows the table has, at a cost that does not grow with them; 0 if nobody knows."""

    def read_marks(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Mark]:
        """As ``read_heads``, without bodies and errors."""

    def mailbox_depths(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, int]:
        """Messages in the mailbox of each actor that has some; counts no further than ``limit`` of one."""

    def queues_with_mail(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str]]:
        """Each queue of these actors that has mail in it, at a cost that does not grow with the mail."""

    def owners_of_wakes(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], actor_ids: Sequence[UUID]
    ) -> list[tuple[UUID, str, str]]:
        """Id, type and key of those that have a wake, once each. ``types``: all that wakes have."""

    def due_longest(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], now: datetime, limit: int
    ) -> list[tuple[str, UUID]]:
        """Type and id of so many due actors of each type, the first to be due first."""

    def sample_mail(self, connection: BaseDatabaseWrapper, rows: int, wake_types: Sequence[str]) -> Sample:
        """About so many messages from all over the table, or all where there are not many more.

        An actor that was never claimed has no row: its wakes know its type, one of ``wake_types``.
        """
