"""Mail that waits: how old it is, and why. Looks where work is found (wakes, due actors), never through messages."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from django.db import connections
from django.db.models import Min

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.findings import Finding, duration, info, ok, some, warning
from actorqueues.diagnosis.names import types_in_database
from actorqueues.diagnosis.unclaimed import find_actors
from actorqueues.diagnosis.workers import live, now_of, served, types_with_work
from actorqueues.models import ActorInstance, Wake
from actorqueues.storage.claiming import LOWEST
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.dialects.surveys import Mark
from actorqueues.storage.pausing import read_pauses

SAMPLE = 50  # actors of a type, of each kind
AWAKE = 2_000  # actors of all types, among which those in memory are looked for
LATE = 60.0  # seconds
LONG_RUN = 600.0  # seconds
STUCK = 3  # polls


def first_messages(actors: Iterable[tuple[str, UUID]], using: str) -> list[tuple[str, Mark]]:
    """The type and first message of each queue of these actors: index probes, at any depth."""
    types = {actor_id: type_name for type_name, actor_id in actors}
    dialect, connection = dialect_for(using), connections[using]
    queues = dialect.queues_with_mail(connection, list(types))
    marks = dialect.read_marks(connection, [WantedHeads(actor_id, queue, 1) for actor_id, queue in queues])
    return [(types[mark.actor_id], mark) for mark in marks]


def candidates(using: str) -> list[tuple[str, UUID]]:
    """Actors of each type that may have the oldest mail: with wakes, due for longest, in memory."""
    dialect, connection, types = dialect_for(using), connections[using], types_in_database(using)
    woken = dialect.wake_ids(connection, types, LOWEST, SAMPLE)
    due = dialect.due_longest(connection, types, now_of(using), SAMPLE)
    return [*oldest_wake(using), *woken, *due, *some_of_each_type(awake(using, AWAKE))]


def awake(using: str, most: int = SAMPLE) -> list[tuple[str, UUID]]:
    return list(ActorInstance.objects.using(using).awake().values_list("type", "id")[:most])


def some_of_each_type(actors: Iterable[tuple[str, UUID]]) -> Iterator[tuple[str, UUID]]:
    counted: Counter[str] = Counter()
    for type_name, actor_id in actors:
        counted[type_name] += 1
        if counted[type_name] <= SAMPLE:
            yield type_name, actor_id


def oldest_wake(using: str) -> list[tuple[str, UUID]]:
    """Of all types: the first that was written."""
    return list(Wake.objects.using(using).order_by("id").values_list("type", "actor_id")[:1])


def oldest(using: str) -> Iterator[Finding]:
    now, pauses = now_of(using), read_pauses(using=using)
    worst: dict[str, Mark] = {}
    found = first_messages(candidates(using), using)
    for name, head in sorted(found, key=lambda one: one[1].enqueued_at):
        waits = head.started_at is None and (head.retry_at is None or head.retry_at <= now)
        if waits and (name, "") not in pauses and (name, head.queue) not in pauses:
            worst.setdefault(name, head)
    addresses = addresses_of([(name, head.actor_id) for name, head in worst.items()], using)
    for name, head in sorted(worst.items()):
        age = (now - head.enqueued_at).total_seconds()
        where = f"queue {head.queue}, {addresses[head.actor_id]}"
        seen = f"{name}: the oldest waiting message is {duration(age)} old ({where})."
        if age > max(LATE, 10 * settings.POLL_INTERVAL):
            yield warning("oldest-message", seen, "Start more workers, or make the handlers faster.")
        else:
            yield info("oldest-message", seen)
    if not worst:
        yield ok("oldest-message", "No mail waits for its turn.")


def addresses_of(actors: Iterable[tuple[str, UUID]], using: str) -> dict[UUID, str]:
    """``type/key`` of each, from its row or from a wake."""
    unknown = {actor_id: f"{type_name}, id {actor_id}" for type_name, actor_id in actors}
    return unknown | {actor.id: str(actor) for actor in find_actors(unknown, using)}


def in_flight(using: str) -> Iterator[Finding]:
    """What has been handled for longer than a handler may take by default. ``run`` has no limit."""
    now, limit = now_of(using), max(LONG_RUN, settings.HANDLER_TIMEOUT)
    ages = [
        (name, head, 0.0 if head.started_at is None else (now - head.started_at).total_seconds())
        for name, head in first_messages(awake(using), using)
    ]
    long = [(name, head, age) for name, head, age in ages if age > limit]
    addresses = addresses_of([(name, head.actor_id) for name, head, _age in long], using)
    slow = [f"{addresses[head.actor_id]} ({head.queue}, {duration(age)})" for _name, head, age in long]
    if slow:
        yield warning(
            "in-flight",
            f"In flight for more than {duration(limit)}: {some(slow)}.",
            "Look what they wait for. Only a handler's timeout= ends them; what a run() of your own takes with "
            "completable=True is pending until it completes.",
        )
    else:
        yield ok("in-flight", f"Nothing has been in flight for more than {duration(limit)}.")


def without_code(using: str) -> Iterator[Finding]:
    known = {actor.type_name for actor in registry.all()}
    unknown = [name for name in types_with_work(using) if name not in known]
    if unknown:
        yield warning(
            "types-without-code",
            f"There is mail for actor types that this project has no code for: {some(unknown)}. It stays stored.",
            'Give the renamed class its old name with type_name = "…", or deploy the code that is missing here.',
        )
    else:
        yield ok("types-without-code", "There is code for every actor type that has mail.")


def first_wakes(types: Sequence[str], using: str) -> list[Wake]:
    """Of each type the one that is taken in first."""
    actors = dialect_for(using).wake_ids(connections[using], types, LOWEST, 1)
    wakes = Wake.objects.using(using)
    mine = wakes.filter(type__in=types, actor_id__in=[actor_id for _type, actor_id in actors])
    ids = mine.order_by().values("type", "actor_id").annotate(first=Min("id")).values_list("first", flat=True)
    return list(wakes.filter(id__in=list(ids)))


def stuck_wakes(using: str) -> Iterator[Finding]:
    """A wake of a type that is served goes at the next poll: the first one is looked at twice."""
    if not live(using):
        return  # that is a finding of its own
    there = first_wakes([name for name in types_with_work(using) if name in served(using)], using)
    if there:
        time.sleep(min(STUCK * settings.POLL_INTERVAL, 5.0))
        there = list(Wake.objects.using(using).filter(id__in=[wake.id for wake in there]))
    if there:
        stuck = [f"{wake.type}/{wake.key}" for wake in there]
        yield warning(
            "stuck-wakes",
            f"Wakes that no worker has taken in for {STUCK} polls: {some(stuck)}.",
            "The workers are full (MAX_RESIDENT), or busy with too many actors: start more of them. Or somebody keeps "
            "the actor's row locked in a transaction.",
        )
    else:
        yield ok("stuck-wakes", "Workers take in what is sent.")
