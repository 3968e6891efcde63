"""A purge that dies half-way."""

from django.db import transaction

from actorqueues import CONTENT
from actorqueues.models import ActorInstance, Deduplication, HistoryEntry, Message, Outcome
from tests.playground.actors import Scribe
from tests.processes.evidence import eventually, sessions_of

KEYS = [f"k{number}" for number in range(40)]
EACH = 300
SENT = EACH * len(KEYS)


def is_consistent():
    """What is gone is answered, told of in the history, and its keys are free; and nothing else."""
    with transaction.atomic():
        left, entries = Message.objects.count(), HistoryEntry.objects.filter(kind="purged")
        told = sum(int(note.split()[0]) for note in entries.values_list("note", flat=True))
        answered = Outcome.objects.filter(status="failed", error="purged").count()
        assert (told, answered, Deduplication.objects.count()) == (SENT - left, SENT - left, left)
    return left


def test_a_purge_that_is_killed_leaves_nothing_half_done_and_a_second_one_finishes_it(
    backend, worker_process, neighbours
):
    for key in KEYS:
        bodies = [{"value": value} for value in range(EACH)]
        Scribe.create(key)
        Scribe.get_or_create(key).send_many(Scribe.doze, bodies, track=True, dedupe=CONTENT)
    holder, purge = neighbours(), ("actorqueues", "purge", "scribe", "--queue", "doze", "--yes")
    if backend == "postgresql":  # it cannot get to its end
        holder.begin(backend)
        locked = ActorInstance.objects.using(backend).select_for_update(no_key=True)
        holder.do(locked.get, key=KEYS[-1])
    first = worker_process.command(*purge)
    eventually(lambda: Message.objects.count() < SENT, every=0.001)
    first.kill()
    if backend == "postgresql":  # a session that waits for a lock does not see that its client has died
        holder.commit()
    eventually(lambda: not sessions_of(first))
    left = is_consistent()
    if backend == "postgresql":
        assert 0 < left < SENT
    second = worker_process.command(*purge)
    assert second.wait(60) == 0, second.output
    assert f"purged {left}" in second.output
    assert is_consistent() == 0
