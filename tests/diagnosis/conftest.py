import pytest

from actorqueues.diagnosis.doctor import attempt


@pytest.fixture(autouse=True)
def only_the_playground(playground_registry):
    """Nothing is said of actors that are made for other tests."""


@pytest.fixture
def look(backend):
    """``look(vacuum.options)`` gives what that part of the doctor finds, by id: ``(level, seen and advice)``."""

    def look(part):
        return {one.id: (one.level, f"{one.seen} {one.advice}") for one in attempt(part, backend)}

    return look


@pytest.fixture
def level(look):
    """The level of its only finding."""

    def level(part):
        [(found, _)] = look(part).values()
        return found

    return level
