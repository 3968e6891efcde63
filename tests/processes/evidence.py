"""What real workers left behind: in the ledger, in the mailboxes, in their rows."""

import time
from collections import defaultdict

from django.conf import settings
from django.db import connections

from actorqueues.models import ActorInstance, DeadLetter, Message, Worker
from tests.playground.models import Ledger

LEASE, POLL = 2.0, 0.2
QUICK = {"LEASE": LEASE, "POLL_INTERVAL": POLL}
SLACK = 5.0  # seconds that a busy machine may be late


def eventually(condition, timeout=40, every=0.02):
    """The first true value of ``condition()``."""
    give_up_at = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < give_up_at, f"not within {timeout} s: {condition.__doc__ or condition}"
        time.sleep(every)
    return value


def ledger(key):
    """The values that an actor wrote, in order."""
    return list(Ledger.objects.filter(actor_key=key).order_by("id").values_list("value", flat=True))


def doubles():
    """Messages that the ledger has more than once."""
    lines = defaultdict(int)
    for message_id in Ledger.objects.values_list("message_id", flat=True):
        lines[message_id] += 1
    return {message_id: number for message_id, number in lines.items() if number > 1}


def all_settled():
    """No message is stored any more."""
    return not Message.objects.exists()


def in_flight():
    """The messages whose start mark has committed, with their crashes."""
    return dict(Message.objects.in_flight().values_list("uid", "crashes"))


def sessions_of(process):
    """What PostgreSQL knows of the connections of a process. They may outlive it: its last commit is still made."""
    connection = connections[settings.ACTORQUEUES["DATABASE"]]
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid, state FROM pg_stat_activity WHERE application_name = %s", [process.name])
        return cursor.fetchall()


def holders():
    """How many actors each worker holds."""
    held = defaultdict(int)
    for worker_id in ActorInstance.objects.awake().values_list("worker_id", flat=True):
        held[worker_id] += 1
    return dict(held)


def holder_of(key):
    """None also where nobody has claimed it yet, and so there is no row."""
    return ActorInstance.objects.filter(key=key).values_list("worker_id", flat=True).first()


def worker_ids():
    return set(Worker.objects.values_list("id", flat=True))


def dead_letters():
    return list(DeadLetter.objects.all())
