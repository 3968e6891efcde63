from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from actorqueues.client.waiting import uid_of
from actorqueues.models import Message
from actorqueues.storage.burying import Burial, bury_message
from actorqueues.wakeups import announce_after_commit

HELP = "put a message that keeps failing aside"
ABOUT = (
    "Makes a dead letter of a message that is not in flight: one that waits for its turn, its time or its next "
    "attempt. Its queue goes on with the next message. `retry ID` puts it back. If a worker is at it at this moment "
    "nothing is done and the exit code is 1."
)
EXAMPLES = (
    "bury 0197c1d2a4b87d1e8f0a6b5c4d3e2f10",
    "bury 0197c1d2a4b87d1e8f0a6b5c4d3e2f10 --note 'crashes the importer, see issue 31'",
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help="the message")
    parser.add_argument("--note", metavar="TEXT", default="", help="why; kept with the dead letter")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    uid, using = uid_of(options["id"]), options["database"]
    actor_id = Message.objects.using(using).filter(uid=uid).values_list("actor_id", flat=True).first()
    gone = CommandError(f"There is no message {options['id']}: it is settled, or dead already.")
    if actor_id is None:
        raise gone
    done = bury_message(uid, actor_id=actor_id, note=options["note"], using=using)
    if done is Burial.GONE:
        raise gone
    if done is Burial.IN_FLIGHT:
        output.write("A worker is at it at this moment. Try again when the attempt is over.")
        return 1
    announce_after_commit("done", [uid], using=using)
    announce_after_commit("work", [actor_id], using=using)
    output.write("buried")
    return 0
