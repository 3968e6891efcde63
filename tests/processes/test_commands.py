"""What one worker does not serve stays as it is, for those that do."""

from threading import Thread

from actorqueues import Worker
from actorqueues.definitions.keys import actor_id_for
from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.runtime.options import WorkerOptions
from actorqueues.storage.ids import new_uid
from actorqueues.storage.sending import Outgoing, store_messages
from tests.playground.actors import Scribe, Tally
from tests.processes.evidence import all_settled, eventually, ledger, worker_ids


def send_to_a_type_without_code(using):
    one = Outgoing(new_uid(), actor_id_for("ghost", "main"), "ghost", "main", "haunt", '{"loud":true}')
    store_messages([one], using=using)
    return one


def test_a_drain_does_everything_and_leaves_mail_of_unknown_types_untouched(backend, worker_process):
    unknown = send_to_a_type_without_code(backend)
    Tally.get_or_create("main").send_many(Tally.increment, [{"amount": 1}] * 50)
    Scribe.get_or_create("main").send_many(Scribe.relay, [{"value": value} for value in range(10)])
    drain = worker_process("--drain")
    assert drain.wait() == 0
    assert Tally.get_or_create("main").get_state().value == 50
    assert Scribe.get_or_create("main, heard").get_state() == {"values": list(range(10))}
    message = Message.objects.get()
    assert (message.uid, message.body, message.attempt, message.started_at) == (
        unknown.uid,
        unknown.body,
        1,
        None,
    )
    assert Wake.objects.get().actor_id == unknown.actor_id, "who knows the type will find it"
    assert not ActorInstance.objects.filter(type="ghost").exists()
    assert worker_ids() == set()
    assert "Traceback" not in drain.output


def test_workers_for_different_types_do_each_their_own(backend, worker_process):
    for key in ("a", "b"):
        Tally.get_or_create(key).send(Tally.increment, {"amount": 1})
        Scribe.get_or_create(key).send(Scribe.record, {"value": 1})
    tallies = worker_process("--no-supervise", "--include", "tally")
    eventually(lambda: not Message.objects.filter(queue="increment").exists())
    assert Message.objects.filter(queue="record").count() == 2
    assert "actor types: tally\n" in tallies.output
    rest = worker_process("--no-supervise", "--exclude", "tally")
    eventually(lambda: ledger("a") and ledger("b"))
    assert "actor types: clerk, scribe, teller\n" in rest.output


def test_a_drain_tells_how_many_messages_are_left(backend):
    Tally.get_or_create("main").send_many(Tally.increment, [{"amount": 1}] * 30)
    Scribe.get_or_create("main").send_many(Scribe.doze, [{"value": 1, "seconds": 0.1}] * 15)
    left = []
    worker = Worker(WorkerOptions(drain=True, include=("tally", "scribe")), on_progress=left.append)
    thread = Thread(target=worker.run, kwargs={"handle_signals": False})
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    assert all_settled()
    assert len(left) > 1
    assert left[-1] < 15
