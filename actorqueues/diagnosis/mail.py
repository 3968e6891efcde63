"""Mail that waits: how old it is, and why. Looks where work is found (wakes, due actors), never through messages."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db import connections

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.findings import Finding, duration, info, ok, some, warning
from actorqueues.diagnosis.names import distinct, types_in_database
from actorqueues.diagnosis.workers import live, now_of, served, types_with_work
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.storage.claiming import LOWEST
from actorqueues.storage.dialects import Head, WantedHeads, dialect_for
from actorqueues.storage.pausing import read_pauses

SAMPLE = 50  # actors of a type, of each kind
LATE = 60.0  # seconds
LONG_RUN = 600.0  # seconds
STUCK = 3  # polls


def first_messages(actors: Iterable[tuple[str, UUID]], using: str) -> list[tuple[str, Head]]:
    """The type and first message of each queue of these actors: index probes, at any depth."""
    types = {actor_id: type_name for type_name, actor_id in actors}
    mail = Message.objects.using(using).queued()
    queues = {actor_id: distinct(mail.filter(actor_id=actor_id), "queue") for actor_id in types}
    wanted = [WantedHeads(actor_id, queue, 1) for actor_id, names in queues.items() for queue in names]
    heads = dialect_for(using).read_heads(connections[using], wanted)
    return [(types[head.actor_id], head) for head in heads]


def candidates(type_name: str, using: str) -> list[tuple[str, UUID]]:
    """Actors of a type that may have the oldest mail: with wakes, due for longest, in memory."""
    woken = dialect_for(using).wake_ids(connections[using], [type_name], LOWEST, SAMPLE)
    actors = ActorInstance.objects.using(using).filter(type=type_name)
    due = actors.due(now_of(using)).order_by("wake_at").values_list("type", "id")[:SAMPLE]
    return list(dict.fromkeys([*woken, *due, *awake(using, type_name)]))


def awake(using: str, type_name: str | None = None) -> list[tuple[str, UUID]]:
    actors = ActorInstance.objects.using(using).awake()
    mine = actors if type_name is None else actors.filter(type=type_name)
    return list(mine.values_list("type", "id")[:SAMPLE])


def oldest_wake(using: str) -> list[tuple[str, UUID]]:
    """Of all types: the first that was written."""
    return list(Wake.objects.using(using).order_by("id").values_list("type", "actor_id")[:1])


def oldest(using: str) -> Iterator[Finding]:
    now, pauses = now_of(using), read_pauses(using=using)
    actors = [*oldest_wake(using)]
    for name in types_in_database(using):
        actors += candidates(name, using)
    worst: dict[str, Head] = {}
    for name, head in sorted(first_messages(actors, using), key=lambda found: found[1].enqueued_at):
        waits = head.started_at is None and (head.retry_at is None or head.retry_at <= now)
        if waits and (name, "") not in pauses and (name, head.queue) not in pauses:
            worst.setdefault(name, head)
    for name, head in sorted(worst.items()):
        age = (now - head.enqueued_at).total_seconds()
        where = f"queue {head.queue}, {address(name, head.actor_id, using)}"
        seen = f"{name}: the oldest waiting message is {duration(age)} old ({where})."
        if age > max(LATE, 10 * settings.POLL_INTERVAL):
            yield warning("oldest-message", seen, "Start more workers, or make the handlers faster.")
        else:
            yield info("oldest-message", seen)
    if not worst:
        yield ok("oldest-message", "No mail waits for its turn.")


def address(type_name: str, actor_id: UUID, using: str) -> str:
    """``type/key``, from the actor's row or from its wake."""
    row = ActorInstance.objects.using(using).filter(id=actor_id)
    wakes = Wake.objects.using(using).filter(type=type_name, actor_id=actor_id)
    for keys in (row.values_list("key", flat=True), wakes.values_list("key", flat=True)):
        if (key := keys.first()) is not None:
            return f"{type_name}/{key}"
    return f"{type_name}, id {actor_id}"


def in_flight(using: str) -> Iterator[Finding]:
    """What has been handled for longer than a handler may take by default. ``run`` has no limit."""
    now, limit = now_of(using), max(LONG_RUN, settings.HANDLER_TIMEOUT)
    slow = []
    for name, head in first_messages(awake(using), using):
        age = 0.0 if head.started_at is None else (now - head.started_at).total_seconds()
        if age > limit:
            slow.append(f"{address(name, head.actor_id, using)} ({head.queue}, {duration(age)})")
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


def stuck_wakes(using: str) -> Iterator[Finding]:
    """A wake of a type that is served goes at the next poll: the first one is looked at twice."""
    if not live(using):
        return  # that is a finding of its own
    wakes = Wake.objects.using(using)
    types = [name for name in types_with_work(using) if name in served(using)]
    first = {name: wakes.filter(type=name).order_by("actor_id", "id").first() for name in types}
    there = [wake for wake in first.values() if wake is not None]
    if there:
        time.sleep(min(STUCK * settings.POLL_INTERVAL, 5.0))
        there = [wake for wake in there if wakes.filter(id=wake.id).exists()]
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
