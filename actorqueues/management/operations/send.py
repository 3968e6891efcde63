from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import OutputWrapper

from actorqueues.management.options import duration
from actorqueues.management.sending import outcome_text, send

HELP = "send a message to an actor"
ABOUT = (
    "Sends one message, as handle.send() does, and prints its id. With --wait it prints the reply as JSON; the "
    "exit code is 1 when there is none: the message failed, or nobody answered in time."
)
EXAMPLES = (
    "send counter main increment '{\"amount\": 5}'",
    "send counter main increment '{\"amount\": 5}' --wait --timeout 10",
    "send cart 7/open checkout        # the key of two parts, a queue without a body",
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("type", metavar="TYPE", help="actor type, such as counter")
    parser.add_argument(
        "key", metavar="KEY", help="the actor's key; a/b is the key of two parts, a\\/b of one"
    )
    parser.add_argument("queue", metavar="QUEUE", help="name of the queue or handler")
    parser.add_argument(
        "body", metavar="JSON", nargs="?", type=json_value, help="the body; none for a queue without"
    )
    parser.add_argument(
        "--wait", action="store_true", help="wait for the reply and print it; exit code 1 without one"
    )
    parser.add_argument("--timeout", type=duration, metavar="S", help="seconds to wait")


def run(options: dict[str, Any], output: OutputWrapper) -> int:
    address = options["type"], options["key"], options["queue"]
    queue, result = send(
        *address,
        options["body"],
        wait=options["wait"],
        timeout=options["timeout"],
        database=options["database"],
    )
    output.write(outcome_text(queue, result))
    return int(options["wait"] and result.status != "completed")


def json_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text!r} is not JSON ({error}). Quote it for the shell: '{{\"amount\": 5}}'"
        ) from None
