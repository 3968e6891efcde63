"""What stands still on purpose or for want of a person: pauses, held actors, dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from actorqueues.diagnosis.findings import Finding, duration, info, ok, some, warning
from actorqueues.diagnosis.workers import now_of
from actorqueues.models import ActorInstance, ActorStatus, DeadLetter, Message, Pause, Wake

LONG = timedelta(hours=1)
RECENT = timedelta(days=1)
SHOWN = 1000


def pauses(using: str) -> Iterator[Finding]:
    now = now_of(using)
    found = list(Pause.objects.using(using).order_by("paused_at"))
    forgotten = set(with_mail(Pause.objects.using(using).filter(paused_at__lt=now - LONG), using))
    for pause in found:
        age = now - pause.paused_at
        what = f'queue "{pause.queue}" of {pause.type}' if pause.queue else f"type {pause.type}"
        seen = f"{what} is paused for {duration(age.total_seconds())}"
        option = f" --queue {pause.queue}" if pause.queue else ""
        resume = f"manage.py actorqueues resume {pause.type}{option}"
        if pause in forgotten:
            yield warning("paused-types", f"{seen}, and mail waits.", f"If that was forgotten: {resume}")
        else:
            yield info("paused-types", f"{seen}.", resume)
    if not found:
        yield ok("paused-types", "No type and no queue is paused.")


def with_mail(pauses: QuerySet[Pause], using: str) -> QuerySet[Pause]:
    """Those of the pauses that keep mail waiting."""
    actors = ActorInstance.objects.using(using).filter(type=OuterRef("type"))
    wakes = Wake.objects.using(using).filter(type=OuterRef("type"))
    mail = Message.objects.using(using).queued().filter(actor_id=OuterRef("id"))
    of_queue = mail.filter(queue=OuterRef(OuterRef("queue")))
    # One after the other: with OR the index could not tell one queue's mail from an actor's.
    waits = Case(
        When(Q(queue="") & Exists(wakes), then=Value(True)),
        When(queue="", then=Exists(actors.filter(Exists(mail)))),
        default=Exists(actors.filter(Exists(of_queue))),
    )
    return pauses.annotate(waits=waits).filter(waits=True)


def paused_actors(using: str) -> Iterator[Finding]:
    mail = Message.objects.using(using).queued().filter(actor_id=OuterRef("id"))
    paused = ActorInstance.objects.using(using).filter(paused_at__isnull=False)
    forgotten = paused.filter(Exists(mail), paused_at__lte=now_of(using) - LONG)
    late = list(forgotten.only("type", "key").order_by("paused_at")[:SHOWN])
    if late:
        first = late[0]
        yield warning(
            "paused-actors",
            f"{len(late)} actors with mail are paused for more than an hour: {some(late)}.",
            f"If that was forgotten: manage.py actorqueues resume {first.type} {first.key}",
        )
        return
    number = paused.count()
    yield (
        info("paused-actors", f"{number} actors are paused.")
        if number
        else ok("paused-actors", "No actor is paused.")
    )


def held_actors(using: str) -> Iterator[Finding]:
    actors = ActorInstance.objects.using(using).filter(status=ActorStatus.HELD)
    held = list(actors.only("type", "key", "held_reason")[:SHOWN])
    if not held:
        yield ok("held-actors", "Every actor's state loads.")
        return
    first = held[0]
    reason = first.held_reason.strip().splitlines()[-1] if first.held_reason.strip() else "no reason is known"
    yield warning(
        "held-actors",
        f"{len(held)} actors are held, their state does not load: {some(held)}. {first}: {reason}",
        "Give new fields a default or write upgrade_state(), deploy, then "
        f"manage.py actorqueues resume {first.type} {first.key}",
    )


def dead_letters(using: str) -> Iterator[Finding]:
    letters = DeadLetter.objects.using(using)
    shown = letters.select_related("actor").only("queue", "reason", "died_at", "actor__type", "actor__key")
    newest = shown.order_by("-died_at").first()
    if newest is None:
        yield ok("dead-letters", "There are none.")
        return
    age = now_of(using) - newest.died_at
    seen = (
        f"{letters.count()} in all, the newest {duration(age.total_seconds())} ago "
        f"({newest.actor}, {newest.queue}, {newest.reason})."
    )
    look = "manage.py actorqueues dead shows them, manage.py actorqueues retry replays them."
    yield warning("dead-letters", seen, look) if age <= RECENT else info("dead-letters", seen, look)
