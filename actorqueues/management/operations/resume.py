from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import OutputWrapper

from actorqueues.management.subjects import add_subject, subject_of
from actorqueues.storage.pausing import resume_actor, resume_type
from actorqueues.wakeups import announce_after_commit

HELP = "end a pause; let an actor go on that was held"
ABOUT = (
    "Ends what `pause` began, named in the same way: the pause of a type does not end with that of one actor. "
    "An actor that was held because its state did not load is tried again."
)
EXAMPLES = ("resume invoice", "resume invoice 2026-17", "resume invoice --queue remind")


def add_arguments(parser: ArgumentParser) -> None:
    add_subject(parser)


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    subject, using = subject_of(options, output), options["database"]
    if subject.key is None:
        resume_type(subject.type, subject.queue, using=using)
    else:
        resume_actor(subject.actor_id, subject.type, subject.key, using=using)
        announce_after_commit("work", [subject.actor_id], using=using)
    output.write(f"resumed {subject}")
    return 0
