from datetime import timedelta

from django.db import connections, transaction

from actorqueues.models import ActorInstance, Message, Outcome, Wake
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.claiming import ring
from actorqueues.storage.dialects import dialect_for
from actorqueues.storage.operations import Destroy, Return
from actorqueues.storage.pausing import pause_actor, pause_type, resume_actor, resume_type
from tests.fixtures.backends import every_postgresql
from tests.storage.leases import (
    Holder,
    chain_of,
    failed_once,
    heads_of,
    held_actor,
    is_found,
    mail_for,
    release,
    row_of,
    settle,
    stranded_actors,
)
from tests.storage.outgoing import to

KEYS = "abcdef"  # in each round of a race


def now_of(backend):
    return dialect_for(backend).now(connections[backend])


def test_a_release_with_mail_asks_for_a_look_at_once(backend):
    holder, actor = held_actor(backend)
    mail_for(backend, "main")
    holder.release(actor)
    row = row_of(actor.actor_id)
    assert (row.worker_id, row.careful) == (None, False)
    assert row.wake_at <= now_of(backend)
    assert not Wake.objects.exists()


def test_a_release_says_when_the_actor_was_last_active(backend):
    holder, actor = held_actor(backend)
    assert row_of(actor.actor_id).active_at is None
    before = now_of(backend)
    holder.release(actor)
    released_at = row_of(actor.actor_id).active_at
    assert before <= released_at <= now_of(backend)
    [actor] = holder.claim(actor.actor_id)
    assert row_of(actor.actor_id).active_at == released_at
    holder.commit(chain_of(actor, (Destroy("gone"),)))
    assert row_of(actor.actor_id).active_at is None


def test_a_release_without_mail_asks_for_nothing(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    holder.commit(chain_of(actor, settle(head), release()))
    assert row_of(actor.actor_id).wake_at is None


def test_a_release_asks_for_the_earliest_of_retry_and_schedule(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    mail_for(backend, "main", delay=30)
    mail_for(backend, "main", delay=90)
    holder.commit(chain_of(actor, (Return(failed_once(head), 60.0, "failed"),), release()))
    wait = row_of(actor.actor_id).wake_at - now_of(backend)
    assert timedelta(seconds=20) < wait <= timedelta(seconds=30)
    [actor] = holder.claim(actor.actor_id)
    Message.objects.scheduled().delete()
    holder.release(actor)
    wait = row_of(actor.actor_id).wake_at - now_of(backend)
    assert timedelta(seconds=30) < wait <= timedelta(seconds=60)


def test_a_failing_head_hides_what_waits_behind_it(backend):
    holder, actor = held_actor(backend, count=2)
    head = heads_of(backend, actor.actor_id)[0]
    holder.commit(chain_of(actor, (Return(failed_once(head), 60.0, "failed"),), release()))
    assert row_of(actor.actor_id).wake_at > now_of(backend) + timedelta(seconds=30)


def test_a_message_of_a_queue_that_the_code_does_not_know_wakes_nobody(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    mail_for(backend, "main", queue="unknown")
    holder.commit(chain_of(actor, settle(head), release()))
    assert row_of(actor.actor_id).wake_at is None
    assert Message.objects.count() == 1


def test_an_actor_that_was_marked_while_it_was_held_is_looked_at_again(backend):
    holder, actor = held_actor(backend)
    [head] = heads_of(backend, actor.actor_id)
    mark_destroying(actor.actor_id, "ledger", "main", using=backend)
    holder.commit(chain_of(actor, settle(head), release("its state does not load")))
    row = row_of(actor.actor_id)
    assert (row.status, row.wake_at <= now_of(backend)) == ("destroying", True)


def test_a_send_against_a_release_strands_nothing(backend, neighbours, rounds):
    """Either the release sees the message, or its wake outlives the release."""
    sender, holder = neighbours(), Holder(backend, lease=3600)
    ids = mail_for(backend, *KEYS)

    def send_to_each():
        for key in KEYS:
            mail_for(backend, key)

    for _ in rounds(200):
        actors = holder.claim(*ids)
        heads = heads_of(backend, *ids)
        chains = [
            chain_of(actor, *(settle(head) for head in heads if head.actor_id == actor.actor_id), release())
            for actor in actors
        ]
        sending = sender.start(send_to_each)
        results = holder.commit(*chains)
        sending.result(timeout=20)
        assert [result.status for result in results] == ["committed"] * len(KEYS)
        assert not stranded_actors()


def test_a_transaction_that_sends_against_a_release_strands_nothing(backend, neighbours, rounds):
    """Message and wake are there before their commit, and nobody sees either."""
    sender, holder = neighbours(), Holder(backend, lease=3600)
    [actor_id] = mail_for(backend, "main")

    def send_in_transaction():
        with transaction.atomic(using=backend):
            mail_for(backend, "main")
            mail_for(backend, "main")

    for _ in rounds(100):
        [actor] = holder.claim(actor_id)
        sending = sender.start(send_in_transaction)
        heads = heads_of(backend, actor_id)
        holder.commit(chain_of(actor, *map(settle, heads), release()))
        sending.result(timeout=20)
        assert not stranded_actors()


def test_an_actor_that_has_read_everything_sleeps_only_while_there_is_no_mail(backend, neighbours, rounds):
    """As a worker puts it to sleep: it hears the doorbell, reads, finds nothing more, releases. Meanwhile one sends."""
    sender, holder = neighbours(), Holder(backend, lease=3600)
    [actor_id] = mail_for(backend, "main")
    settled = 0
    for number in rounds(150):
        [actor] = holder.claim(actor_id)
        sending = sender.start(mail_for, backend, "main")
        ring(holder.id, [actor_id], using=backend)
        heads = heads_of(backend, actor_id)
        settled += len(heads)
        holder.commit(chain_of(actor, *map(settle, heads), release()))
        sending.result(timeout=20)
        assert not stranded_actors()
        assert settled + Message.objects.count() == number + 2


def test_a_resume_of_a_paused_queue_against_a_release_strands_nothing(backend, neighbours, rounds):
    other, holder = neighbours(), Holder(backend, lease=3600)
    [actor_id] = mail_for(backend, "main")
    for _ in rounds(80):
        pause_type("ledger", "increment", using=backend)
        [actor] = holder.claim(actor_id)
        resuming = other.start(resume_type, "ledger", "increment", using=backend)
        holder.release(actor)
        resuming.result(timeout=20)
        assert is_found(actor_id)


def test_a_resume_of_a_paused_actor_against_a_claim_strands_nothing(backend, neighbours, rounds):
    other, holder = neighbours(), Holder(backend, lease=3600)
    [actor_id] = mail_for(backend, "main")
    for _ in rounds(80):
        pause_actor(actor_id, "ledger", "main", using=backend)
        resuming = other.start(resume_actor, actor_id, "ledger", "main", using=backend)
        claimed = holder.claim(actor_id)
        resuming.result(timeout=20)
        for actor in claimed or holder.claim(actor_id):
            holder.release(actor)
        assert is_found(actor_id)
        assert row_of(actor_id).paused_at is None


def test_a_paused_queue_wakes_nobody_until_it_is_resumed(backend):
    holder, actor = held_actor(backend)
    pause_type("ledger", "increment", using=backend)
    holder.release(actor)
    assert row_of(actor.actor_id).wake_at is None
    resume_type("ledger", "increment", using=backend)
    assert Wake.objects.count() == 1


def test_a_destroy_answers_the_waiters_and_removes_what_it_saw(backend):
    holder, actor = held_actor(backend, count=2)
    mail_for(backend, "main", delay=60, keeps_outcome=True)
    mail_for(backend, "main", queue="unknown", keeps_outcome=True)
    holder.commit(chain_of(actor, (Destroy("it was destroyed"),)))
    assert not Message.objects.exists()
    assert not Wake.objects.exists()
    assert set(Outcome.objects.values_list("status", "error")) == {("failed", "it was destroyed")}
    assert Outcome.objects.count() == 2
    row = row_of(actor.actor_id)
    assert (row.status, row.generation, row.worker_id, row.state) == ("destroyed", 2, None, None)


@every_postgresql
def test_mail_that_commits_during_a_destroy_reaches_the_next_generation(backend, neighbours):
    sender = neighbours()
    holder, actor = held_actor(backend)
    sender.begin(backend)
    sender.do(mail_for, backend, "main", keeps_outcome=True)
    holder.commit(chain_of(actor, (Destroy("gone"),)))
    sender.commit()
    assert (Message.objects.count(), Wake.objects.count(), Outcome.objects.count()) == (1, 1, 0)
    [again] = holder.claim(actor.actor_id)
    assert (again.generation, row_of(actor.actor_id).status) == (2, "live")


def test_a_send_against_a_destroy_is_removed_and_answered_or_found(backend, neighbours, rounds):
    sender, holder = neighbours(), Holder(backend, lease=3600)
    [actor_id] = mail_for(backend, "main", keeps_outcome=True)
    for number in rounds(100):
        [actor] = holder.claim(actor_id)
        sending = sender.start(mail_for, backend, "main", keeps_outcome=True)
        holder.commit(chain_of(actor, (Destroy("gone"),)))
        sending.result(timeout=20)
        assert is_found(actor_id)
        stored = Message.objects.count() + Outcome.objects.count()
        assert stored == number + 2
        if not Message.objects.exists():
            mail_for(backend, "main", keeps_outcome=True)
            Outcome.objects.filter(uid=Outcome.objects.first().uid).delete()


def test_a_release_of_many_actors_frees_them_all(backend):
    holder = Holder(backend)
    actors = holder.claim(*mail_for(backend, *(str(number) for number in range(50))))
    results = holder.commit(*(chain_of(actor, release()) for actor in actors))
    assert {result.status for result in results} == {"committed"}
    assert ActorInstance.objects.filter(worker_id=None, wake_at__isnull=False).count() == 50
    assert to("0").actor_id in {actor.actor_id for actor in actors}
