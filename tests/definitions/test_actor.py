import asyncio
import math
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Generic, TypeVar
from uuid import UUID

import pytest
from pydantic import BaseModel

from actorqueues import (
    AbortController,
    Actor,
    NotActivated,
    OperationRefused,
    Queue,
    UnknownActor,
    action,
    handler,
)
from actorqueues.definitions import ports
from actorqueues.definitions.context import current_delivery
from actorqueues.definitions.problems import DefinitionInvalid
from actorqueues.exceptions import UnknownQueue


class Saved(BaseModel):
    value: int = 0


def of(**members):
    return type("Made", (Actor,), members)


# Names


@pytest.mark.parametrize(
    ("class_name", "type_name"),
    [
        ("Counter", "counter"),
        ("ProfileSync", "profile_sync"),
        ("HTTPSync", "http_sync"),
        ("S3Upload2", "s3_upload2"),
    ],
)
def test_the_type_name_is_the_class_name_in_snake_case(class_name, type_name):
    assert type(class_name, (Actor,), {}).type_name == type_name


def test_a_type_name_of_its_own_is_not_inherited():
    class Base(Actor):
        type_name = "shop.counter-1"

    class Derived(Base):
        pass

    assert (Base.type_name, Derived.type_name) == ("shop.counter-1", "derived")


@pytest.mark.parametrize("type_name", ["Shop", "a b", "x" * 65, "é", "a/b", 5])
def test_a_type_name_that_cannot_be_stored_is_refused(type_name):
    with pytest.raises(TypeError, match="type_name"):
        of(type_name=type_name)


def test_a_class_name_that_makes_no_type_name_is_refused():
    with pytest.raises(TypeError, match="type_name"):
        type("Überweisung", (Actor,), {})


@pytest.mark.parametrize(
    "attribute", ["run", "state", "key", "queue", "vars", "get", "on_wake", "definition", "_port"]
)
@pytest.mark.parametrize(
    "make", [lambda: Queue(None), lambda: handler(lambda self: None), lambda: action(len)]
)
def test_queues_handlers_and_actions_may_not_take_actors_own_names(attribute, make):
    with pytest.raises(TypeError, match=f"Made.{attribute} takes a name that Actor itself uses.*name="):
        of(**{attribute: make()})


@pytest.mark.parametrize("attribute", ["state", "key", "id", "destroy", "create", "_activation"])
def test_other_attributes_may_not_take_them_either(attribute):
    with pytest.raises(TypeError, match=attribute):
        of(**{attribute: 5})


def test_the_wire_name_may_be_one_of_actors_own_names():
    assert set(of(state_queue=Queue(None, name="state")).definition.queues) == {"state"}


def test_one_wire_name_cannot_be_used_twice():
    with pytest.raises(TypeError, match="'task'"):
        of(task=Queue(int), other=Queue(int, name="task"))
    with pytest.raises(TypeError, match="'task'"):
        of(task=Queue(int), other=action(lambda self: 1, name="task") if False else named_action("task"))


def named_action(name):
    return action(name=name)(lambda self: 1)


def test_one_queue_cannot_have_two_attributes():
    queue = Queue(int)
    with pytest.raises(TypeError, match="same Queue"):
        of(one=queue, two=queue)


def test_hooks_and_options_may_be_overridden():
    class Hooked(Actor):
        sleep_after = timedelta(minutes=1)
        exposed = ("increment",)
        increment = Queue(int)

        async def on_wake(self) -> None: ...
        def on_create(self, input: Any) -> None: ...
        async def run(self) -> None: ...

    assert Hooked.definition.sleep_after == 60
    assert Hooked.definition.exposed == {"increment"}
    assert Hooked.definition.has_custom_run


def test_what_may_be_exposed():
    task = Queue(int)
    assert of().definition.exposed is False
    assert of(exposed=True).definition.exposed is True
    assert of(task=task, exposed=[task]).definition.exposed == {"task"}
    assert of(exposed="task", task=Queue(int)).definition.exposed == {"task"}


def test_sleep_after_is_left_to_the_worker_or_never():
    assert of().definition.sleep_after is None
    assert of(sleep_after=math.inf).definition.sleep_after == math.inf
    with pytest.raises((TypeError, ValueError)):
        of(sleep_after=-1).definition  # noqa: B018


# Registering


def test_an_abstract_class_has_no_actors_and_its_subclasses_have(registry):
    class Base(Actor):
        abstract = True

    class Real(Base):
        pass

    assert registry.get("real") is Real
    with pytest.raises(UnknownActor):
        registry.get("base")
    with pytest.raises(DefinitionInvalid, match="abstract"):
        Base.definition  # noqa: B018


def test_the_definition_is_made_once():
    made = of()
    assert made.definition is made.definition
    assert made.definition is not of().definition


# State types


S = TypeVar("S", bound=BaseModel)


def test_the_state_type_is_found_through_generic_bases():
    class Direct(Actor[Saved]):
        pass

    class Between(Actor[S], Generic[S]):
        abstract = True

    class Given(Between[Saved]):
        pass

    class Derived(Direct):
        pass

    class Named(Actor["Saved"]):
        pass

    for cls in (Direct, Given, Derived, Named):
        assert cls.definition.state.initial() == Saved()
    assert of().definition.state.initial() == {}
    assert of(initial_state={"a": 1}).definition.state.initial() == {"a": 1}


def test_a_callable_initial_state_is_called_without_arguments():
    class Made(Actor[Saved]):
        def initial_state():  # type: ignore[misc]
            return Saved(value=9)

    assert Made.definition.state.initial().value == 9
    assert of(initial_state=staticmethod(lambda: {"a": 1})).definition.state.initial() == {"a": 1}


@pytest.mark.parametrize("kind", ["method", "classmethod", "staticmethod"])
def test_upgrade_state_may_be_any_kind_of_method(kind):
    functions = {
        "method": lambda self, raw: {"value": raw},
        "classmethod": classmethod(lambda cls, raw: {"value": raw}),
        "staticmethod": staticmethod(lambda raw: {"value": raw}),
    }
    made = of(upgrade_state=functions[kind])
    assert made.definition.upgrade(5) == {"value": 5}
    assert of().definition.upgrade(5) == 5


# An instance


class Port:
    actor_id = UUID(int=5)
    generation = 2
    key = ("main",)

    def __init__(self):
        self.state = {"value": 1}
        self.vars = SimpleNamespace()
        self.controller = AbortController()
        self.abort_signal = self.controller.signal
        self.calls = []

    def broadcast(self, event, data, *, live=False, transient=False, to_user=None):
        self.calls.append((event, data, live, transient, to_user))

    def destroy(self):
        self.calls.append("destroy")

    def keep_awake(self):
        return "awake"

    async def save_state(self):
        self.calls.append("save_state")

    async def serve_handlers(self):
        self.calls.append("serve_handlers")

    def watch(self, queues, stale):
        return queues, stale


class Counter(Actor):
    increment = Queue(int)
    stop = Queue(None)


@pytest.fixture
def port():
    return Port()


@pytest.fixture
def counter(port):
    return Counter._activated(port)


def test_an_instance_shows_its_activation(counter, port):
    assert counter.key == ("main",)
    assert counter.id == "00000000000000000000000000000005-2"
    counter.state["value"] += 1
    assert port.state == {"value": 2}
    counter.state = {"value": 9}
    assert port.state == {"value": 9}
    counter.vars.cache = 1
    assert port.vars.cache == 1
    assert not counter.aborted
    port.controller.abort()
    assert counter.aborted
    assert counter.abort_signal is port.abort_signal


def test_an_initialiser_sees_the_activation(port):
    class Early(Actor):
        def __init__(self):
            self.first_key = self.key

    assert Early._activated(port).first_key == ("main",)


@pytest.mark.parametrize("name", ["state", "key", "id", "vars", "abort_signal", "aborted"])
def test_outside_of_an_activation_it_says_to_use_a_handle(name):
    with pytest.raises(NotActivated, match=rf"(?s){name}.*Counter\.get_or_create"):
        getattr(Counter(), name)


def test_operations_outside_of_an_activation_say_so_too():
    counter = Counter()
    for call in (
        counter.destroy,
        counter.keep_awake,
        lambda: counter.broadcast("x"),
        lambda: counter.watch("stop"),
    ):
        with pytest.raises(NotActivated):
            call()
    with pytest.raises(NotActivated, match=r"Receiving.*get_or_create"):
        asyncio.run(counter.increment.next())


def test_the_default_run_serves_the_handlers(counter, port):
    asyncio.run(counter.run())
    assert port.calls == ["serve_handlers"]


def test_operations_are_the_activations(counter, port):
    counter.broadcast("moved", {"x": 1}, live=True)
    counter.destroy()
    asyncio.run(counter.save_state())
    assert counter.keep_awake() == "awake"
    assert port.calls == [("moved", {"x": 1}, True, False, None), "destroy", "save_state"]


def test_an_event_name_is_a_name(counter):
    with pytest.raises(TypeError, match="event"):
        counter.broadcast("no spaces")


def test_watch_takes_references_names_and_mailboxes(counter):
    assert counter.watch(Counter.stop) == ((Counter.stop,), "drop")
    assert counter.watch("stop", counter.stop, stale="fire") == ((Counter.stop,), "fire")
    with pytest.raises(UnknownQueue):
        counter.watch("stpo")
    with pytest.raises(ValueError, match="at least one"):
        counter.watch()
    with pytest.raises(ValueError, match="stale"):
        counter.watch("stop", stale="keep")


def test_notify_user_goes_to_the_sender_of_the_message_in_hand(counter, port):
    with pytest.raises(OperationRefused, match="user="):
        counter.notify_user("done")
    token = current_delivery.set(SimpleNamespace(user_id="42"))
    try:
        counter.notify_user("done", 1)
    finally:
        current_delivery.reset(token)
    counter.notify_user("done", 1, user=SimpleNamespace(pk=7))
    assert [call[-1] for call in port.calls] == ["42", "7"]


def test_class_methods_go_through_the_clients(monkeypatch):
    calls = []

    class Clients:
        def __getattr__(self, name):
            return lambda *args, **options: calls.append((name, args, options))

    monkeypatch.setattr(ports, "clients", Clients())
    Counter.get("a")
    Counter.get_or_create("a", input={"x": 1})
    Counter.get_for_id("id")
    Counter.create("a", input=3)
    Counter.pause()
    Counter.resume()
    assert calls == [
        ("handle", (Counter, "a"), {"create": False}),
        ("handle", (Counter, "a"), {"create": True, "input": {"x": 1}}),
        ("handle_for_id", (Counter, "id"), {}),
        ("create", (Counter, "a"), {"input": 3}),
        ("pause", (Counter,), {}),
        ("resume", (Counter,), {}),
    ]


def test_before_django_is_ready_a_handle_says_what_is_missing(monkeypatch):
    from django.core.exceptions import ImproperlyConfigured

    monkeypatch.setattr(ports, "clients", ports._NoClients())
    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        Counter.get("a")
