from typing import Any

import pytest
from pydantic import BaseModel

from actorqueues import CONTENT, Actor, Backoff, BodyInvalid, KeyInvalid, Queue, ReplyInvalid, UnknownQueue
from actorqueues.definitions import ports
from actorqueues.definitions.marks import UNSET
from actorqueues.definitions.problems import DefinitionInvalid
from actorqueues.definitions.receiving import Mailbox
from actorqueues.definitions.registry import resolve_queue


class Increment(BaseModel):
    amount: int


class Value(BaseModel):
    value: int


class Counter(Actor):
    abstract = True
    increment = Queue(Increment, reply=Value)
    stop = Queue(None, priority=10)
    anything = Queue(Any, name="any.thing", max_depth=None, max_attempts=3, dedupe=CONTENT)


class Small(Counter):
    pass


class Smaller(Small):
    anything = Queue(int)  # type: ignore[assignment]


def test_the_class_gives_a_reference_and_an_instance_a_mailbox():
    assert isinstance(Small.increment, Queue)
    assert Small.increment is Small.increment
    assert isinstance(Small().increment, Mailbox)
    assert Small().increment.queue is Small.increment


def test_a_queue_knows_its_name_and_options():
    assert (Small.increment.name, Small.increment.priority, Small.increment.max_attempts) == (
        "increment",
        0,
        None,
    )
    assert Small.increment.backoff == Backoff(first=1, factor=2, cap=300, jitter=0)
    assert (Small.increment.max_depth, Small.increment.depth_limit) == (UNSET, 10_000)
    assert (Small.anything.name, Small.anything.depth_limit, Small.anything.max_attempts) == (
        "any.thing",
        None,
        3,
    )
    assert (Small.anything.dedupe, Small.increment.dedupe, Small.stop.priority) == (CONTENT, None, 10)
    assert Small.increment.timeout is None


def test_an_inherited_queue_belongs_to_the_class_it_is_asked_from():
    assert Small.increment.owner is Small
    assert Counter.increment.owner is Counter
    assert Small.increment is not Counter.increment
    assert Small.increment.body is Counter.increment.body


def test_a_subclass_replaces_a_queue():
    assert set(Small.definition.queues) == {"increment", "stop", "any.thing"}
    assert set(Smaller.definition.queues) == {"increment", "stop", "anything"}


def test_a_diamond_of_mixins_follows_pythons_order():
    class Base(Actor):
        abstract = True
        task = Queue(int, name="base")

    class Left(Base):
        abstract = True

    class Right(Base):
        abstract = True
        task = Queue(int, name="right")

    class Both(Left, Right):
        pass

    assert Left.task.name == "base"
    assert Both.task.name == "right"
    assert set(Both.definition.queues) == {"right"}


def test_a_plain_mixin_may_bring_queues():
    class Stoppable:
        stop = Queue(None)

    class One(Stoppable, Actor):
        pass

    class Other(Stoppable, Actor):
        pass

    assert One.stop.owner is One
    assert Other.definition.queues["stop"].owner is Other


def test_bodies_and_replies_are_dumped_and_loaded():
    assert Small.increment.dump_body({"amount": 5}) == '{"amount":5}'
    assert Small.increment.load_body('{"amount":5}') == Increment(amount=5)
    assert Small.increment.dump_reply(Value(value=1)) == '{"value":1}'
    assert Small.increment.load_reply('{"value":1}') == Value(value=1)
    assert Small.anything.dump_body(None) == "null"
    assert Small.anything.load_body(None) is None


def test_a_queue_without_body_stores_none():
    assert Small.stop.body is None
    assert Small.stop.dump_body(None) is None
    assert Small.stop.load_body(None) is None
    with pytest.raises(BodyInvalid, match="without a body"):
        Small.stop.dump_body({"reason": "x"})


def test_a_wrong_body_names_the_queue_and_the_path():
    with pytest.raises(BodyInvalid, match=r'"increment".*amount') as caught:
        Small.increment.dump_body({"amount": "x"})
    assert caught.value.metadata["path"] == ["amount"]
    assert (caught.value.code, caught.value.status) == ("queue.message_invalid", 400)
    for wrong in ({}, None, 5, "x"):
        with pytest.raises(BodyInvalid):
            Small.increment.dump_body(wrong)


def test_a_wrong_reply_is_refused_also_where_there_is_none():
    with pytest.raises(ReplyInvalid, match="value"):
        Small.increment.dump_reply({"value": "x"})
    with pytest.raises(ReplyInvalid, match="reply="):
        Small.stop.dump_reply(5)
    assert Small.stop.dump_reply(None) is None


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"priority": "high"}, TypeError),
        ({"priority": True}, TypeError),
        ({"max_attempts": 0}, ValueError),
        ({"max_attempts": 1.5}, TypeError),
        ({"max_depth": 0}, ValueError),
        ({"backoff": 5}, TypeError),
        ({"dedupe": "amount"}, ValueError),
        ({"dedupe": True}, ValueError),
        ({"name": "no spaces"}, TypeError),
        ({"name": "x" * 65}, TypeError),
        ({"ordered": False}, TypeError),
    ],
)
def test_wrong_options_are_refused_where_they_are_written(options, error):
    with pytest.raises(error):
        Queue(int, **options)


def test_content_may_be_written_as_text():
    assert Queue(int, dedupe="content").dedupe is CONTENT  # type: ignore[call-overload]


def test_the_type_may_be_named_before_it_exists():
    assert Early.later.load_body('{"amount": 1}') == Late(amount=1)


class Early(Actor):
    later = Queue("Late")  # type: ignore[call-overload]

    async def run(self) -> None: ...


class Late(BaseModel):
    amount: int


def test_a_type_that_cannot_be_found_says_where_and_what_to_do():
    class Lost(Actor):
        task = Queue("Nowhere")  # type: ignore[call-overload]

    with pytest.raises(DefinitionInvalid, match=r"body.*Lost\.task.*Nowhere.*body="):
        Lost.task.body  # noqa: B018
    assert [problem.id for problem in Lost.definition.problems()] == ["E011", "W015"]


def test_a_queue_is_meant_by_reference_of_the_class_or_a_base_or_by_name():
    for reference in (Small.increment, Counter.increment, "increment"):
        assert resolve_queue(Small, reference) is Small.increment
    assert resolve_queue(Small, "any.thing") is Small.anything


def test_a_wrong_queue_is_refused_with_the_nearest_name():
    class Other(Actor):
        increment = Queue(Increment)

    with pytest.raises(UnknownQueue, match='Did you mean "increment"'):
        resolve_queue(Small, "incremnt")
    with pytest.raises(UnknownQueue, match=r"There are: any\.thing, increment, stop"):
        resolve_queue(Small, "zzz")
    with pytest.raises(UnknownQueue, match=r"Other\.increment is a queue of Other, not of Small"):
        resolve_queue(Small, Other.increment)
    with pytest.raises(TypeError, match="reference"):
        resolve_queue(Small, 5)  # type: ignore[arg-type]


class SpyClients:
    def __init__(self):
        self.calls = []

    def handle(self, actor_class, key, *, create, input=None):
        self.calls.append((actor_class, key, create))
        return self

    def send(self, queue, body=None, **options):
        self.calls.append((queue, body, options))
        return "receipt"

    async def asend(self, queue, body=None, **options):
        return self.send(queue, body, **options)

    def pause(self, actor_class, *, queue=None, key=None):
        self.calls.append(("pause", actor_class, queue, key))

    async def aresume(self, actor_class, *, queue=None, key=None):
        self.calls.append(("aresume", actor_class, queue, key))


@pytest.fixture
def clients(monkeypatch):
    spy = SpyClients()
    monkeypatch.setattr(ports, "clients", spy)
    return spy


def test_the_fluent_way_sends_to_the_group(clients):
    assert Small.increment.group("org", 7).dedupe("order", 3).push({"amount": 1}) == "receipt"
    assert clients.calls == [
        (Small, ("org", 7), True),
        (Small.increment, {"amount": 1}, {"dedupe": ("order", "3")}),
    ]


async def run_apush():
    return await Small.stop.group(7).apush()


def test_the_fluent_way_has_an_async_twin(clients):
    import asyncio

    assert asyncio.run(run_apush()) == "receipt"
    assert clients.calls[1] == (Small.stop, None, {})


def test_different_dedupe_keys_stay_different(clients):
    group = Small.increment.group(1)
    assert group.dedupe("a/b").options != group.dedupe("a", "b").options


def test_push_without_a_group_says_what_to_write(clients):
    with pytest.raises(KeyInvalid, match=r"Small\.increment\.group\(key\)\.push"):
        Small.increment.push({"amount": 1})
    with pytest.raises(KeyInvalid):
        Small.increment.group()
    with pytest.raises(KeyInvalid, match="None"):
        Small.increment.group(None)  # type: ignore[arg-type]
    assert clients.calls == []


def test_a_queue_of_all_actors_is_paused_and_resumed(clients):
    import asyncio

    Small.increment.pause()
    asyncio.run(Small.anything.aresume())
    assert clients.calls == [("pause", Small, "increment", None), ("aresume", Small, "any.thing", None)]
