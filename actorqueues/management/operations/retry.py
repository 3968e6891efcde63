from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import connections

from actorqueues.client.waiting import uid_of
from actorqueues.definitions.keys import actor_id_for, decode_key
from actorqueues.diagnosis.dead_letters import DeadLetterFilter
from actorqueues.diagnosis.names import check_type
from actorqueues.management.progress import confirm, progress_bar
from actorqueues.management.selecting import add_filters, is_everything, selected
from actorqueues.models import Message
from actorqueues.storage.dead_letters import replay_some
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.hastening import hasten_retries
from actorqueues.wakeups import announce_after_commit

HELP = "replay dead letters, or end a backoff"
ABOUT = (
    "Puts dead letters at the tail of their queues, their attempts reset. Name their ids, or select them with "
    "the options of `dead` and say --all. On a terminal it asks first. With --now it is about a message that "
    "is not dead and waits out its backoff: that is tried at once, unless a worker has its actor in memory "
    "(then the exit code is 1, and you try again later)."
)
EXAMPLES = (
    "retry 0197c1d2a4b87d1e8f0a6b5c4d3e2f10",
    "retry --all --type invoice --reason exhausted --since 2h",
    "retry --all --yes",
    "retry --now invoice 2026-17",
)
BATCH = 500


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "ids",
        metavar="ID",
        nargs="*",
        help="dead letters to replay; with --now an actor (TYPE KEY) or a message",
    )
    add_filters(parser)
    parser.add_argument("--all", action="store_true", help="everything that the other options select")
    parser.add_argument("--yes", "--noinput", action="store_true", help="do not ask")
    parser.add_argument(
        "--now", action="store_true", help="end the backoff of messages that are not dead: TYPE KEY, or ID"
    )


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    if options["now"]:
        return hasten(options, output)
    refuse_unclear(options)
    wanted, using = selected(options), options["database"]
    before = dialect_for(using).now(connections[using])  # what dies during the question is left alone
    total = wanted.select(using).count()
    if total and not options["yes"]:
        confirm(f"Replay {total} dead letter{'s' if total != 1 else ''}?")
    replayed = replay(wanted, total, before, using)
    output.write(f"replayed {replayed}")
    missing = len(set(wanted.uids)) - replayed
    if missing > 0:
        raise CommandError(f"{missing} of these ids are no dead letters (any more).")
    return 0


def refuse_unclear(options: dict[str, Any]) -> None:
    if options["ids"] and (options["all"] or not is_everything(options)):
        raise CommandError("Name ids, or select with --all and options: not both.")
    if not options["ids"] and not options["all"]:
        raise CommandError("Which ones? Name their ids, or say --all (with --type, --queue, --since …).")


def replay(wanted: DeadLetterFilter, total: int, before: datetime, using: str) -> int:
    letters, replayed = wanted.select(using), 0
    with progress_bar("dead letters", total) as advance:
        while some := replay_some(letters, before=before, limit=BATCH, using=using):
            announce_after_commit("work", set(some.values()), using=using)
            replayed += len(some)
            advance(len(some))
    return replayed


def hasten(options: dict[str, Any], output: OutputWrapper) -> int:
    using = options["database"]
    actor, uid = hastened(options["ids"], using)
    if options["all"] or not is_everything(options):
        raise CommandError("--now takes TYPE KEY or the id of a message, and none of the other options.")
    done = hasten_retries(actor, uid, using=using)
    if done.awake:
        output.write("A worker has this actor in memory and keeps to its own time. Try again when it sleeps.")
        return 1
    if done.messages:
        announce_after_commit("work", [actor], using=using)
    output.write(f"{done.messages} due now" if done.messages else "Nothing of it waits out a backoff.")
    return 0


def hastened(words: list[str], using: str) -> tuple[Any, Any]:
    """The actor's id, and the message's where one is meant."""
    if len(words) == 2:
        check_type(words[0], using)
        decode_key(words[1])  # raises KeyInvalid
        return actor_id_for(*words), None
    if len(words) != 1:
        raise CommandError("--now takes TYPE KEY, or the id of one message.")
    uid = uid_of(words[0])
    actor = Message.objects.using(using).filter(uid=uid).values_list("actor_id", flat=True).first()
    if actor is None:
        raise CommandError(f"There is no message {words[0]}: it is settled, or dead (then leave out --now).")
    return actor, uid
