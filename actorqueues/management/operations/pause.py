from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from actorqueues.management.subjects import Subject, add_subject, subject_of
from actorqueues.storage.actors import actor_exists
from actorqueues.storage.pausing import pause_actor, pause_type
from actorqueues.wakeups import announce_after_commit

HELP = "stop handling an actor's, a queue's or a type's mail"
ABOUT = (
    "Mail is still stored, but not handled until `resume`. What is in flight has the worker's grace period to be "
    "finished. A type or one of its queues is paused for all its actors; workers learn of it within one POLL_INTERVAL."
)
EXAMPLES = ("pause invoice", "pause invoice 2026-17", "pause invoice --queue remind")


def add_arguments(parser: ArgumentParser) -> None:
    add_subject(parser)


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    subject, using = subject_of(options, output), options["database"]
    if subject.key is None:
        pause_type(subject.type, subject.queue, using=using)
    else:
        pause_one(subject, subject.key, output, using)
    output.write(f"paused {subject}")
    return 0


def pause_one(subject: Subject, key: str, output: OutputWrapper, using: str) -> None:
    if not actor_exists(subject.actor_id, using=using):
        output.write("There is no such actor yet. It will be paused when it comes to be.")
    pause_actor(subject.actor_id, subject.type, key, using=using)
    announce_after_commit("work", [subject.actor_id], using=using)
