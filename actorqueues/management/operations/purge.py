from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import OutputWrapper

from actorqueues.definitions.keys import decode_key
from actorqueues.diagnosis.counts import count_messages
from actorqueues.diagnosis.names import check_queue, check_type
from actorqueues.management.progress import confirm, progress_bar
from actorqueues.management.subjects import Subject
from actorqueues.models import Message
from actorqueues.storage.purging import Purged, newest_message, purge_queue, purge_type
from actorqueues.wakeups import announce_after_commit

HELP = "delete the messages of a queue"
ABOUT = (
    "Deletes the messages of one queue, of one actor or of all actors of a type, but for those in flight. Senders who "
    "wait get `failed`; nothing can be put back. On a terminal it asks first. It works in short transactions: one "
    "that was interrupted may be called again."
)
EXAMPLES = ("purge invoice 2026-17 --queue remind", "purge invoice --queue remind --yes")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="actor type")
    parser.add_argument("key", metavar="KEY", nargs="?", help="only of the actor with this key")
    parser.add_argument("--queue", metavar="NAME", required=True, help="the queue")
    parser.add_argument("--yes", "--noinput", action="store_true", help="do not ask")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    subject, using = Subject(options["type"], options["key"], options["queue"]), options["database"]
    check_type(subject.type, using)
    if subject.key is not None:
        decode_key(subject.key)  # raises KeyInvalid
    newest = newest_message(using)  # what comes while somebody thinks about the answer is left alone
    total = waiting(subject, using)
    if not total:
        check_queue(subject.type, subject.queue)  # a queue that the code has no more may still have messages
    elif not options["yes"]:
        whose = f"actor {subject.type}/{subject.key}" if subject.key else f"all actors of type {subject.type}"
        confirm(f'Delete {total} message{"" if total == 1 else "s"} of queue "{subject.queue}" of {whose}?')
    purged = 0
    with progress_bar("messages", total) as advance:
        for part in parts(subject, newest, using):
            announce_after_commit("done", part.answered, using=using)
            announce_after_commit("work", part.woken, using=using)
            purged += part.messages
            advance(part.messages)
    output.write(f"purged {purged}")
    return 0


def parts(subject: Subject, newest: int, using: str) -> Iterator[Purged]:
    if subject.key is None:
        return purge_type(subject.type, subject.queue, newest=newest, using=using)
    return purge_queue(subject.actor_id, subject.queue, newest=newest, using=using)


def waiting(subject: Subject, using: str) -> int:
    """What is not in flight now."""
    if subject.key is None:
        counts = count_messages(using, subject.type)
        rest = [
            one for one in counts if one.queue == subject.queue and one.status not in ("in flight", "dead")
        ]
        return sum(one.messages for one in rest)
    mail = Message.objects.using(using).filter(actor_id=subject.actor_id, queue=subject.queue)
    return mail.filter(started_at__isnull=True).count()
