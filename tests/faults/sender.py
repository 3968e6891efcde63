"""``python -m tests.faults.sender``: a process that sends without end, and waits for replies.

It writes down what it was told, one JSON line each, as soon as it knows. On SIGTERM it sends no more, finds the
replies that it is still owed by their ids, and ends with code 0.
"""

import argparse
import json
import random
import signal
import sys
import time
from collections import Counter
from itertools import count

ADDRESSES = {  # by the first word of an actor's key: its type and queue
    "file": ("Clerk", "file"),
    "copy": ("Clerk", "copy"),
    "jot": ("Clerk", "jot"),
    "forward": ("Clerk", "forward"),
    "slips": ("Teller", "slips"),
}
MOST_OWED = 30  # replies; then it collects some before it sends more
PATIENCE = 90.0  # seconds for each reply that is still owed at the end
REPEAT_PAUSE = 0.1  # seconds between two tries of one send while the database is away


class Sender:
    """Numbers what it sends to each actor. Every way of sending, one after the other, by chance."""

    def __init__(self, name, seed, record, *, keys, seconds, pace, most):
        self.name, self.record = name, record
        self.keys, self.seconds, self.pace, self.most = keys, seconds, pace, most
        self.random = random.Random(f"{seed} {name}")
        self.last = Counter()
        self.owed = {}  # message id: address and slip
        self.is_stopped = False

    def run(self):
        sent = 0
        while not self.is_stopped and (self.most is None or sent < self.most):
            sent += self.send_something()
            if len(self.owed) > MOST_OWED or self.random.random() < 0.1:
                self.collect(next(iter(self.owed), None), 0.5)
            time.sleep(self.random.uniform(0, 2 * self.pace))
        for message_id in list(self.owed):
            self.collect(message_id, PATIENCE)
        self.note("end", owed=list(self.owed))
        return not self.owed

    def send_something(self):
        """Returns how many messages that were."""
        address = self.random.choice(list(ADDRESSES)), self.random.choice(self.keys)
        way = self.random.choices(
            (self.send_plainly, self.send_many, self.send_by_key, self.ask), (25, 30, 20, 25)
        )[0]
        return way(address)

    def slip(self, address):
        self.last[address] += 1
        seconds = self.random.uniform(0, 2 * self.seconds)
        return {"sender": self.name, "number": self.last[address], "seconds": seconds}

    def send_plainly(self, address):
        """Once: if the answer is lost, nobody knows."""
        slip = self.slip(address)
        self.note_send("sent", address, [slip], lambda handle, queue: handle.send(queue, slip))
        return 1

    def send_many(self, address):
        """All or none, the same."""
        slips = [self.slip(address) for _ in range(self.random.randint(2, 12))]
        self.note_send("many", address, slips, lambda handle, queue: handle.send_many(queue, slips))
        return len(slips)

    def send_by_key(self, address):
        """Under a key, until there is an answer: a repeat finds the first one."""
        slip = self.slip(address)
        self.insist(address, slip, lambda handle, queue, key: handle.send(queue, slip, idempotency_key=key))
        self.note("keyed", address=address, numbers=[slip["number"]])
        return 1

    def ask(self, address):
        """The same with a reply, which may come later than this one waits."""
        slip = self.slip(address)
        timeout = self.random.choice((0.05, 0.5, 2.0))
        result = self.insist(
            address,
            slip,
            lambda handle, queue, key: handle.send(
                queue, slip, wait=True, timeout=timeout, idempotency_key=key
            ),
        )
        self.note("asked", address=address, numbers=[slip["number"]])
        self.take_reply(address, slip, result)
        return 1

    def note_send(self, kind, address, slips, send):
        from django.db import Error

        numbers = [slip["number"] for slip in slips]
        try:
            send(*handle_of(address))
        except Error as error:
            self.lost_touch(error)
            self.note("unclear", address=address, numbers=numbers, error=str(error))
        else:
            self.note(kind, address=address, numbers=numbers)

    def insist(self, address, slip, send):
        from django.db import Error

        key = f"{self.name} {slip['number']}"
        for attempt in count(1):
            try:
                return send(*handle_of(address), key)
            except Error as error:
                self.lost_touch(error)
                self.note("repeat", address=address, numbers=[slip["number"]], error=str(error))
                time.sleep(min(REPEAT_PAUSE * attempt, 1.0))
        return None

    def collect(self, message_id, patience):
        """One of the replies that it is owed, by its id."""
        from django.db import Error

        if message_id is None:
            return
        address, slip = self.owed[message_id]
        give_up_at = time.monotonic() + patience
        while message_id in self.owed:
            left = give_up_at - time.monotonic()
            try:
                handle, _ = handle_of(address)
                self.take_reply(address, slip, handle.wait_for(message_id, timeout=max(0.1, left)))
            except Error as error:
                self.lost_touch(error)
                time.sleep(REPEAT_PAUSE)
            if time.monotonic() > give_up_at:
                return

    def take_reply(self, address, slip, result):
        if result.status == "timed_out":
            if result.id not in self.owed:
                self.owed[result.id] = address, slip
                self.note("late")
            return
        found = self.owed.pop(result.id, None) is not None
        if result.status != "completed" or result.response.model_dump() != slip:
            self.note("wrong", address=address, numbers=[slip["number"]], reply=repr(result))
        else:
            self.note("found" if found else "reply")

    def lost_touch(self, error):
        """As a web process does between two requests: a connection that had an error is given up."""
        from django.db import connections

        connections.close_all()

    def note(self, kind, **details):
        self.record.write(json.dumps({"kind": kind, **details}) + "\n")
        self.record.flush()


def handle_of(address):
    from tests.playground import actors

    type_name, queue = ADDRESSES[address[0]]
    actor_class = getattr(actors, type_name)
    return actor_class.get_or_create(" ".join(address)), getattr(actor_class, queue)


def arguments():
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sender", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("record", help="the file that gets its lines")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--keys", type=int, default=2, help="actors of each kind")
    parser.add_argument("--seconds", type=float, default=0.02, help="what a handler takes, on average")
    parser.add_argument("--pace", type=float, default=0.01, help="seconds between two sends, on average")
    parser.add_argument("--messages", type=int, help="how many it sends; without, until it is told to stop")
    return parser.parse_args()


def main():
    import django

    django.setup()
    options = arguments()
    keys = [str(number) for number in range(options.keys)]
    with open(options.record, "w") as record:
        sender = Sender(
            options.name,
            options.seed,
            record,
            keys=keys,
            seconds=options.seconds,
            pace=options.pace,
            most=options.messages,
        )
        signal.signal(signal.SIGTERM, lambda *_: setattr(sender, "is_stopped", True))
        sender.note("begin")
        return 0 if sender.run() else 1


if __name__ == "__main__":
    sys.exit(main())
