"""The one writer of a worker: commits what many activations asked for in one fenced transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import QuerySet

from actorqueues.exceptions import LeaseLost
from actorqueues.models import Journal
from actorqueues.storage.applying import Refused, apply_chains
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.operations import Chain, ChainResult
from actorqueues.storage.statistics import Counted, add_statistics

LOCK_WAIT = 0.05  # seconds; a chain that waits longer for somebody's lock goes by itself later


def commit_batch(
    worker_id: UUID, sequence: int, chains: Sequence[Chain], *, counted: Sequence[Counted] = (), using: str
) -> list[ChainResult]:
    """Applies a batch and returns what became of each chain. Durable when it returns.

    A caller that lost its connection calls again with the same sequence and the same chains: if the first
    try had committed, its results are returned and nothing is applied twice.
    Raises ``LeaseLost`` when the worker's journal is gone (it was reaped), and ``DatabaseError`` or
    ``InterfaceError`` when the database is in trouble.
    """
    connection, dialect = connections[using], dialect_for(using)

    def work(apart: bool) -> list[ChainResult]:
        return run_batch(worker_id, sequence, chains, counted, apart, using)

    try:
        return dialect.transaction(lambda: work(False), connection)
    except LeaseLost:
        raise
    except Exception as error:
        if is_trouble(error, using):
            raise
    # One chain spoilt it. Again, each in savepoints of its own: the others are untouched.
    return dialect.transaction(lambda: work(True), connection)


def is_trouble(error: Exception, using: str) -> bool:
    """It is not about what a chain asks for: the same may well work later."""
    if isinstance(error, InterfaceError):
        return True
    return isinstance(error, DatabaseError) and dialect_for(using).kind_of(error) == "trouble"


def run_batch(
    worker_id: UUID,
    sequence: int,
    chains: Sequence[Chain],
    counted: Sequence[Counted],
    apart: bool,
    using: str,
) -> list[ChainResult]:
    connection, mine = connections[using], Journal.objects.using(using).filter(worker_id=worker_id)
    # A row that is locked elsewhere is put off: waiting for one actor would hold up all the others.
    actor_ids = [chain.actor_id for chain in chains]
    opened = dialect_for(using).open_batch(connection, worker_id, sequence, actor_ids, LOCK_WAIT)
    if opened is None:
        return results_of(mine, sequence, chains)
    results = [verdict(chain, opened.epochs.get(chain.actor_id)) for chain in chains]
    going = [
        (chain, result) for chain, result in zip(chains, results, strict=True) if result.status == "committed"
    ]
    if apart:
        for chain, result in going:
            apply_apart(chain, result, opened.now, using)
    else:
        repeats = apply_chains([chain for chain, _ in going], opened.now, using=using)
        for chain, result in going:
            result.applied, result.repeats = len(chain.steps), repeats
    keep_exceptions(mine, sequence, results)
    if counted:
        add_statistics(worker_id, counted, using=using)
    for result in results:
        result.committed_at = opened.now
    return results


def verdict(chain: Chain, epoch: int | None) -> ChainResult:
    """Another epoch is stale for ever; a row that is locked waits for the next batch."""
    if epoch is None:
        return ChainResult("locked")
    return ChainResult() if epoch == chain.epoch else ChainResult("stale")


def apply_apart(chain: Chain, result: ChainResult, now: datetime, using: str) -> None:
    """One chain, step by step, each in a savepoint, up to the first one that is refused or has to wait."""
    for step in chain.steps:
        part = Chain(chain.actor_id, chain.generation, chain.epoch, [step])
        try:
            with transaction.atomic(using=using):
                result.repeats += apply_chains([part], now, using=using)
        except Exception as error:
            if is_trouble(error, using):
                raise
            result.status = "locked" if has_to_wait(error, using) else "refused"
            result.reason = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            return
        result.applied += 1


def has_to_wait(error: Exception, using: str) -> bool:
    """For a lock in somebody's open transaction, such as an equal dedupe key."""
    return isinstance(error, DatabaseError) and dialect_for(using).kind_of(error) == "waits"


def keep_exceptions(mine: QuerySet[Journal], sequence: int, results: Sequence[ChainResult]) -> None:
    odd = {str(place): asdict(result) for place, result in enumerate(results) if result.status != "committed"}
    if odd:
        mine.update(exceptions=json.dumps({"sequence": sequence, "results": odd}))


def results_of(mine: QuerySet[Journal], sequence: int, chains: Sequence[Chain]) -> list[ChainResult]:
    """The results of a batch that had committed although its answer was lost."""
    text = mine.filter(sequence=sequence).values_list("exceptions", flat=True).first()
    if text is None:
        raise LeaseLost(worker="journal")
    kept = json.loads(text) if text else {}
    odd = kept["results"] if kept.get("sequence") == sequence else {}
    return [
        ChainResult(**odd[str(place)]) if str(place) in odd else ChainResult(applied=len(chain.steps))
        for place, chain in enumerate(chains)
    ]
