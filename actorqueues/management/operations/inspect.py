from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper

from actorqueues.diagnosis.counts import count_actors, count_messages
from actorqueues.diagnosis.names import check_type
from actorqueues.management.tables import print_table

HELP = "count messages by type, queue and status"
ABOUT = (
    "Prints how many actors there are of each type, and how many of them are in a worker's memory; then how "
    "many messages there are by type, queue and status: scheduled, ready, in flight, retrying, dead. It reads "
    "every message once: not for every second on a large database."
)
EXAMPLES = (
    "inspect",
    "inspect --type counter",
    "inspect --json | jq '.messages[] | select(.status==\"dead\")'",
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--type", metavar="TYPE", help="only this actor type")
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    database, only = options["database"], options["type"]
    if only is not None:
        check_type(only, database)
    actors, messages = count_actors(database, only), count_messages(database, only)
    if options["json"]:
        counted = {"actors": list(map(asdict, actors)), "messages": list(map(asdict, messages))}
        output.write(json.dumps(counted, indent=2))
        return 0
    rows = [(row.actor_type, row.actors, row.awake) for row in actors]
    print_table(output, ("TYPE", "ACTORS", "AWAKE"), rows, nothing="No actors yet.")
    output.write("")
    lines = [(row.actor_type, row.queue, row.status, row.messages) for row in messages]
    print_table(output, ("TYPE", "QUEUE", "STATUS", "MESSAGES"), lines, nothing="No messages.")
    return 0
