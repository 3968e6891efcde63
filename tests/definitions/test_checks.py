from django.test import override_settings
from pydantic import BaseModel

from actorqueues import Actor, Queue, handler
from actorqueues import checks as actor_checks


def ids(messages):
    return [message.id.removeprefix("actorqueues.") for message in messages]


def of_definitions(*classes):
    return [message for message in actor_checks.check_definitions() if message.obj in classes]


def test_an_unknown_setting_suggests_the_nearest():
    with override_settings(ACTORQUEUES={"MAX_DEPHT": 5}):
        (message,) = actor_checks.check_settings()
    assert message.id == "actorqueues.E001"
    assert "MAX_DEPTH" in message.hint


def test_a_wrong_setting_is_an_error():
    with override_settings(ACTORQUEUES={"LEASE": "fast", "LANES": 0}):
        assert ids(actor_checks.check_settings()) == ["E002", "E002"]
    with override_settings(ACTORQUEUES=[]):
        assert ids(actor_checks.check_settings()) == ["E002"]


def test_a_database_that_is_not_there_is_an_error():
    with override_settings(ACTORQUEUES={"DATABASE": "nowhere"}):
        assert ids(actor_checks.check_settings()) == ["E003"]
        assert actor_checks.check_database() == []


def test_two_actors_of_one_type_name_are_an_error(registry):
    first = type("Twin", (Actor,), {"__module__": "one", "__qualname__": "Twin"})
    second = type("Twin", (Actor,), {"__module__": "two", "__qualname__": "Twin"})
    (message,) = of_definitions(first, second)
    assert message.id == "actorqueues.E010"
    assert "one.Twin" in message.msg
    assert "two.Twin" in message.msg
    assert "type_name" in message.hint


def test_a_class_that_is_made_again_clashes_with_nobody(registry):
    for _ in range(2):
        again = type("Reloaded", (Actor,), {"__module__": "one", "__qualname__": "Reloaded"})
    assert of_definitions(again) == []
    assert registry.get("reloaded") is again


def test_a_schema_that_cannot_be_resolved_is_an_error():
    class Lost(Actor):
        @handler(body="Nowhere")
        def task(self, body) -> None: ...

    (message,) = of_definitions(Lost)
    assert message.id == "actorqueues.E011"
    assert "body=" in message.hint


def test_a_state_with_required_fields_is_an_error_unless_it_is_given():
    class Needy(BaseModel):
        owner: str

    class Without(Actor[Needy]):
        pass

    class With(Actor[Needy]):
        initial_state = {"owner": "nobody"}

    (message,) = of_definitions(Without, With)
    assert (message.id, message.obj) == ("actorqueues.E013", Without)
    assert "owner" in message.msg


def test_an_initial_state_that_raises_or_is_no_json_is_an_error():
    class Raising(Actor):
        initial_state = staticmethod(lambda: 1 / 0)

    class Unstorable(Actor):
        initial_state = {"a": {1}}

    assert ids(of_definitions(Raising, Unstorable)) == ["E013", "E013"]


def test_a_state_type_that_cannot_be_used_is_an_error():
    class Odd(Actor["Nowhere"]):  # type: ignore[name-defined]
        pass

    assert ids(of_definitions(Odd)) == ["E016"]


def test_a_run_that_never_serves_the_handlers_is_an_error():
    class Base(Actor):
        abstract = True

        @handler
        def task(self, body: int) -> None: ...

    class Forgets(Base):
        async def run(self):
            pass

    class Serves(Base):
        async def run(self):
            async def both():
                await self.serve_handlers()

            await both()

    class Delegates(Base):
        async def run(self):
            await super().run()

    class Elsewhere(Base):
        async def run(self):
            await self.work()

        async def work(self):
            await self.serve_handlers()

    class Inherits(Serves):
        pass

    assert ids(of_definitions(Forgets)) == ["E014"]
    assert of_definitions(Serves, Delegates, Elsewhere, Inherits) == []


def test_a_queue_that_nobody_reads_is_a_warning():
    class Deaf(Actor):
        increment = Queue(int)

    class Hears(Actor):
        increment = Queue(int)

        async def run(self):
            await self.increment.next()

    (message,) = of_definitions(Deaf, Hears)
    assert (message.id, message.obj) == ("actorqueues.W015", Deaf)
