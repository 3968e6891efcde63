"""The pytest plugin: the fixture ``actors``. It needs pytest-django; who does not use it does not notice it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from actorqueues.testing.actors import Actors


@pytest.fixture
def actors_database(db: None) -> None:
    """What gives the fixture ``actors`` its database. Override it where ``db`` is not what you use."""


@pytest.fixture
def actors(actors_database: None) -> Iterator[Actors]:
    """Runs the actors of the test in its own process and transaction. See ``actorqueues.testing.Actors``."""
    from actorqueues.testing.actors import Actors

    with Actors() as active:
        yield active
