from datetime import UTC, datetime, timedelta
from uuid import uuid4

from actorqueues.definitions.queue import Queue
from actorqueues.mailbox.buffer import Buffer
from actorqueues.storage.dialects import Head

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def head(number, queue="a", **given):
    values = dict.fromkeys(Head._fields) | {"failures": 0, "crashes": 0, "keeps_outcome": False}
    return Head(**values | {"id": number, "queue": queue, "uid": uuid4(), "enqueued_at": NOW} | given)


def buffer(batch=4, **queues):
    return Buffer(queues or {"a": Queue(None), "b": Queue(None)}, batch)


def numbers(heads):
    return [one.id for one in heads]


def take(mail, count=1, names=("a", "b"), now=NOW):
    return numbers(mail.take(names, count, lambda: now, lambda name: False))


def test_a_lower_number_that_commits_later_is_still_delivered_and_in_its_place():
    mail = buffer()
    mail.merge([head(1), head(5)], {"a": 4, "b": 4})
    assert take(mail) == [1]
    mail["a"].held.clear()
    assert numbers(mail.merge([head(1), head(3), head(5)], {"a": 4, "b": 4})) == [1, 3]
    mail["a"].heads.pop(0)
    assert [take(mail), mail["a"].held.clear(), take(mail)] == [[3], None, [5]]


def test_a_lower_number_than_all_that_was_delivered_comes_next():
    mail = buffer()
    mail.merge([head(7)], {"a": 4})
    [seven] = mail.take(["a"], 1, NOW, lambda name: False)
    mail.settle(seven)
    mail.forget(seven)
    mail.merge([head(2)], {"a": 4})
    assert take(mail) == [2]


def test_what_is_known_is_not_taken_in_twice():
    mail = buffer()
    mail.merge([head(1), head(2), head(3)], {"a": 4})
    [held] = mail.take(["a"], 1, NOW, lambda name: False)
    mail.settle(held)
    assert numbers(mail.merge([head(1), head(2), head(3), head(4)], {"a": 8})) == [4]


def test_what_was_settled_during_a_read_is_not_taken_in_by_it():
    """The read saw the row before its removal committed; its answer comes after that."""
    mail = buffer()
    mail.merge([head(1)], {"a": 4})
    mail.gone = set()  # the read begins
    [held] = mail.take(["a"], 1, NOW, lambda name: False)
    mail.settle(held)
    mail.forget(held)
    assert mail.merge([head(1)], {"a": 4}) == []
    assert mail.gone is None


def test_a_failing_head_makes_its_queue_wait_and_no_other():
    mail = buffer()
    mail.merge([head(1, retry_at=NOW + timedelta(seconds=5)), head(2), head(3, "b")], {"a": 4, "b": 4})
    assert take(mail) == [3]
    assert take(mail) == []
    assert take(mail, now=NOW + timedelta(seconds=5)) == [1]


def test_a_batch_ends_before_a_message_in_backoff():
    mail = buffer()
    mail.merge([head(1), head(2, retry_at=NOW + timedelta(seconds=5)), head(3)], {"a": 4})
    assert take(mail, count=3) == [1]


def test_what_is_unsettled_holds_its_queue():
    mail = buffer()
    mail.merge([head(1), head(2), head(9, "b")], {"a": 4, "b": 4})
    assert [take(mail), take(mail), take(mail)] == [[1], [9], []]


def test_priority_comes_before_age():
    mail = buffer(a=Queue(None), b=Queue(None, priority=1))
    mail.merge([head(1), head(2, "b")], {"a": 4, "b": 4})
    assert take(mail, count=2) == [2, 1]
    mail.put_back(head(2, "b"))
    assert take(mail) == [2]


def test_an_answer_as_long_as_was_asked_for_means_there_may_be_more():
    mail = buffer(batch=8)
    assert mail.limits() == {"a": 9, "b": 9}
    mail.merge([head(number) for number in range(9)], {"a": 9, "b": 9})
    assert mail.limits() == {}
    take(mail, count=7)  # a quarter of a batch is left
    assert mail.limits() == {"a": 18}
