import types
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from pydantic import BaseModel

from actorqueues import CONTENT, Actor, Backoff, action, handler
from actorqueues.definitions.action import Action
from actorqueues.definitions.handler import Handler
from actorqueues.definitions.problems import DefinitionInvalid


class Update(BaseModel):
    email: str


class Done(BaseModel):
    ok: bool = True


class Sync(Actor):
    @handler
    def bare(self, body: Update) -> Done:
        """Documented."""
        return Done()

    @handler(
        timeout=timedelta(minutes=2),
        max_attempts=10,
        dedupe=CONTENT,
        backoff=Backoff(first=5),
        name="up.date",
    )
    async def with_options(self, body: Update, message: Any) -> None:
        return None

    @handler
    def without_body(self) -> int:
        return 5

    @handler(timeout=None)
    def only_message(self, message: Any) -> Any:
        return message

    @handler(atomic=True)
    def in_a_transaction(self, update: Update, message: Any = None) -> Done:
        return Done()

    @handler(body=int, reply=str)
    def told(self, body, message=None):
        return str(body)

    @action
    def total(self, factor: int = 1) -> int:
        return 2 * factor

    @action(name="read", safe=True)
    async def read_it(self) -> str:
        return "text"


def test_schemas_come_from_the_annotations():
    assert Sync.bare.body.annotation is Update
    assert Sync.bare.reply.annotation is Done
    assert Sync.with_options.reply is None
    assert (Sync.without_body.body, Sync.without_body.reply.annotation) == (None, int)
    assert Sync.only_message.body is None
    assert (Sync.told.body.annotation, Sync.told.reply.annotation) == (int, str)


def test_what_a_handler_is_can_be_read():
    assert (Sync.bare.is_async, Sync.bare.takes_message, Sync.bare.atomic) == (False, False, False)
    assert (Sync.with_options.is_async, Sync.with_options.takes_message) == (True, True)
    assert Sync.in_a_transaction.atomic
    assert Sync.bare.__doc__ == "Documented."
    assert set(Sync.definition.handlers) == {
        "bare",
        "up.date",
        "without_body",
        "only_message",
        "in_a_transaction",
        "told",
    }
    assert Sync.with_options.max_attempts == 10
    assert Sync.with_options.backoff.first == 5
    assert Sync.with_options.dedupe is CONTENT


def test_a_handler_without_timeout_has_that_of_the_settings():
    assert Sync.bare.timeout == 300
    with override_settings(ACTORQUEUES={"HANDLER_TIMEOUT": timedelta(seconds=7)}):
        assert Sync.bare.timeout == 7
    assert Sync.with_options.timeout == 120
    assert Sync.only_message.timeout is None


def test_calling_a_handler_runs_its_function():
    actor = Sync()
    assert actor.bare(Update(email="x")) == Done()
    assert actor.without_body() == 5
    assert actor.told(5) == "5"
    assert Sync.bare.call(actor, Update(email="x"), None) == Done()
    assert Sync.only_message.call(actor, None, "message") == "message"


def test_an_override_calls_its_super():
    class Loud(Sync):
        @handler
        def told(self, body: int, message: Any = None) -> str:
            return super().told(body, message) + "!"

    assert Loud().told(5) == "5!"
    assert Loud.definition.queues["told"] is Loud.told
    assert Sync.told.body.annotation is int


def test_annotations_are_resolved_late_and_only_those_that_are_needed():
    module = types.ModuleType("postponed")
    exec(POSTPONED, module.__dict__)
    assert module.Late.update.body.annotation is module.Update
    assert module.Late.update.reply.annotation is module.Update
    assert list(module.Late.definition.problems()) == []


POSTPONED = """
from __future__ import annotations
from typing import TYPE_CHECKING
from pydantic import BaseModel
from actorqueues import Actor, handler
if TYPE_CHECKING:
    from actorqueues import Message

class Late(Actor):
    @handler
    def update(self, body: Update, message: Message) -> Update | None:
        return body

class Update(BaseModel):
    email: str
""".replace("-> Update | None", "-> Update")


def test_an_annotation_under_type_checking_says_what_to_do():
    module = types.ModuleType("hidden")
    exec(HIDDEN, module.__dict__)
    with pytest.raises(DefinitionInvalid, match=r"body of .*Hidden\.update.*Update.*TYPE_CHECKING.*body="):
        module.Hidden.update.body  # noqa: B018
    with pytest.raises(DefinitionInvalid, match=r"reply=") as caught:
        module.Hidden.update.reply  # noqa: B018
    assert caught.value.problem.id == "E011"


HIDDEN = """
from __future__ import annotations
from typing import TYPE_CHECKING
from actorqueues import Actor, handler
if TYPE_CHECKING:
    from somewhere import Update

class Hidden(Actor):
    @handler
    def update(self, body: Update) -> Update:
        return body
"""


def test_a_body_without_annotation_says_what_to_do():
    class Untold(Actor):
        @handler
        def update(self, body):
            return None

    assert Untold.update.reply is None
    with pytest.raises(DefinitionInvalid, match="'body' has no annotation"):
        Untold.update.body  # noqa: B018
    assert [problem.id for problem in Untold.definition.problems()] == ["E012"]


@pytest.mark.parametrize(
    "options", [{"timeout": -1}, {"timeout": True}, {"max_attempts": 0}, {"body_type": int}]
)
def test_wrong_options_of_a_handler_are_refused_where_they_are_written(options):
    with pytest.raises((TypeError, ValueError)):

        @handler(**options)
        def update(self, body: int) -> None: ...


def test_a_wrong_signature_is_refused_where_it_is_written():
    with pytest.raises(TypeError, match="takes self, the body and"):
        handler(lambda: None)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="takes self, the body and"):
        handler(lambda self, body, more: None)
    with pytest.raises(TypeError, match="plain def"):

        @handler(atomic=True)
        async def update(self, body: int) -> None: ...


def test_actions_are_references_on_the_class_and_methods_on_an_instance():
    assert isinstance(Sync.total, Action)
    assert (Sync.total.name, Sync.total.safe, Sync.total.is_async) == ("total", False, False)
    assert (Sync.read_it.name, Sync.read_it.safe, Sync.read_it.is_async) == ("read", True, True)
    assert Sync().total(3) == 6
    assert set(Sync.definition.actions) == {"total", "read"}
    assert not isinstance(Sync.total, Handler)
