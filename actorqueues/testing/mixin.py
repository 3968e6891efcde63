from __future__ import annotations

from typing import TYPE_CHECKING

from actorqueues.testing.actors import Actors

if TYPE_CHECKING:
    from django.test import SimpleTestCase as Base
else:
    Base = object


class ActorTestMixin(Base):
    """For ``TestCase`` and ``TransactionTestCase``, before them in the list of bases: gives ``self.actors``."""

    actors: Actors

    def setUp(self) -> None:
        super().setUp()
        self.actors = Actors()
        self.enterContext(self.actors)
