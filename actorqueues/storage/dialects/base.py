from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar
from uuid import UUID

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.storage.dialects.surveys import Surveys
from actorqueues.storage.dialects.surveys import WantedHeads as WantedHeads

Row = tuple[Any, ...]
T = TypeVar("T")


class Head(NamedTuple):
    """A mailbox message as it is read for delivery."""

    actor_id: UUID
    queue: str
    id: int
    uid: UUID
    body: str | None
    user_id: str | None
    meta: str | None
    keeps_outcome: bool
    enqueued_at: datetime
    expires_at: datetime | None
    started_at: datetime | None
    retry_at: datetime | None
    failures: int
    crashes: int
    error: str | None


HEAD_COLUMNS = Head._fields


class EventRow(NamedTuple):
    """An event as those who listen get it. ``number`` None: a transient one."""

    id: int
    actor_id: UUID
    generation: int
    number: int | None
    name: str
    data: str  # JSON text
    message_uid: UUID | None
    user_id: str | None


EVENT_COLUMNS = EventRow._fields


class Standing(NamedTuple):
    """What a holder must know of its actor before it takes mail."""

    actor_id: UUID
    epoch: int
    is_paused: bool
    status: str
    next_scheduled_at: datetime | None


Answer = Callable[[], int]  # how many of the rows were there
ErrorKind = Literal["waits", "trouble", "refusal"]


class OpenBatch(NamedTuple):
    """A journal batch that has begun."""

    now: datetime
    epochs: dict[UUID, int]  # of the actors that are locked now; the others are locked by somebody


class Together(Protocol):
    """Statements that need nothing of each other, sent at once where the vendor can. As in ``Dialect``."""

    def insert(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None: ...
    def update(self, model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> Answer: ...
    def delete(self, model: type[models.Model], keys: Sequence[Any]) -> Answer: ...


class Dialect(Surveys, Protocol):
    """The engine seam. Every statement that is written per vendor is here; the rest is the ORM."""

    vendor: str
    journal_batch: int  # steps in one commit at most
    journal_pause: float  # seconds left to other writers after each commit

    def now(self, connection: BaseDatabaseWrapper) -> datetime:
        """The database's clock (UTC), which alone grants and expires."""

    def transaction(self, work: Callable[[], T], connection: BaseDatabaseWrapper) -> T:
        """Runs ``work`` in one short write transaction; waits its turn where the vendor has one writer."""

    def prepare_background(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        """Sets up a connection of the runtime: a stopped process must not hold rows against its successor."""

    def bound_idle_time(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        """The same for the transaction that is open, and no longer."""

    def bound_rest(self, connection: BaseDatabaseWrapper, lease: float) -> None:
        """The transaction that is open ends in this time from now, whatever its process does."""

    def insert(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> None:
        """Inserts rows in their order, in one statement."""

    def insert_absent(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        """Inserts the rows that clash with none; returns their primary keys, which are in the first column."""

    def update(
        self,
        connection: BaseDatabaseWrapper,
        model: type[models.Model],
        columns: Sequence[str],
        rows: Sequence[Row],
    ) -> set[Any]:
        """Sets ``columns[1:]`` where ``columns[0]`` (the primary key) matches; returns the keys that were there."""

    def delete(
        self, connection: BaseDatabaseWrapper, model: type[models.Model], keys: Sequence[Any]
    ) -> set[Any]:
        """Deletes by primary key; returns the keys that were there."""

    def insert_sends(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        messages: Sequence[Row],
        wakes: Sequence[Row],
    ) -> None:
        """Inserts messages and wake rows ``(type, actor_id, key)``; one statement where the vendor can.

        ``enqueued_at`` is not among the columns: the database's clock gives it.
        """

    def insert_send_if_present(
        self,
        connection: BaseDatabaseWrapper,
        message_columns: Sequence[str],
        message: Row,
        wake: Row,
        generation: int | None = None,
    ) -> bool:
        """The same for one message, only if its actor is there and live (in that generation). False: it is not."""

    def take_keys(self, connection: BaseDatabaseWrapper, rows: Sequence[Row], now: datetime) -> set[UUID]:
        """Takes dedupe keys ``(id, message_uid, fingerprint, expires_at)``, in order, unless they are in use.

        Returns those it got. Waits for an equal key that another open transaction has taken.
        """

    def bounded_lock_wait(
        self, connection: BaseDatabaseWrapper, seconds: float
    ) -> AbstractContextManager[None]:
        """Inside a transaction: waits for locks end after ``seconds`` (or sooner, if that was set already)."""

    def live_outcomes(self, connection: BaseDatabaseWrapper, uids: Sequence[UUID]) -> list[Row]:
        """``(uid, actor_id, queue, status, reply, error, user_id)`` of the outcomes that have not expired."""

    def new_events(
        self, connection: BaseDatabaseWrapper, after: Sequence[tuple[UUID, int]], floor: int
    ) -> list[EventRow]:
        """Each actor's events after its number, and its transient ones above the id ``floor``."""

    def count_depth(self, connection: BaseDatabaseWrapper, actor_id: UUID, queue: str, limit: int) -> int:
        """How many messages one queue of an actor holds, scheduled ones included; counts up to about ``limit``."""

    def lock(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Rows of the queryset, locked against writers but not against key-share; locked ones are left out."""

    def lock_waiting(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """The same, but waits for the locked ones."""

    def read_heads(self, connection: BaseDatabaseWrapper, wanted: Sequence[WantedHeads]) -> list[Head]:
        """Mailbox heads in order of (actor, queue, id)."""

    def read_mailboxes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], wanted: Sequence[WantedHeads]
    ) -> tuple[datetime, list[Standing], list[Head]]:
        """The database's time, the standing of those actors that have a row, and their heads as ``read_heads``."""

    def next_scheduled(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID]
    ) -> dict[UUID, datetime]:
        """The earliest ``scheduled_at`` of each actor that has one, however many it has."""

    def wake_ids(
        self, connection: BaseDatabaseWrapper, types: Sequence[str], after: UUID, limit: int
    ) -> list[tuple[str, UUID]]:
        """Distinct ``(type, actor_id)`` of wakes above ``after``: a loose index scan, ``limit`` a type."""

    # The journal

    def open_batch(
        self,
        connection: BaseDatabaseWrapper,
        worker_id: UUID,
        sequence: int,
        actor_ids: Sequence[UUID],
        lock_wait: float,
    ) -> OpenBatch | None:
        """Moves the journal on to ``sequence``, then locks the actors that nobody else has locked.

        None: the journal is not where it should be before that. From then on the transaction waits for no lock longer
        than ``lock_wait`` seconds.
        """

    def together(self, connection: BaseDatabaseWrapper) -> AbstractContextManager[Together]:
        """A block whose statements go to the database together; answers may be asked for after it."""

    def delete_wakes(
        self, connection: BaseDatabaseWrapper, actor_ids: Sequence[UUID], holder: UUID | None = None
    ) -> None:
        """Deletes the wakes of actors that have a row (and are held by ``holder``)."""

    def kind_of(self, error: Exception) -> ErrorKind:
        """Whether a statement met a lock, a database in trouble (it may be well again later), or is wrong."""
