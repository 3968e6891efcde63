import asyncio
from concurrent.futures import Future
from typing import Any

import pytest

from actorqueues import Actor, Queue
from tests.fixtures.workers import PATIENCE


@pytest.fixture(autouse=True)
def only_own_actors(empty_registry):
    pass


class Puppet:
    """An actor that runs what the test says, once; ``wait`` gives what that returned."""

    def __init__(self, body):
        self.result = result = Future()

        class Puppet(Actor):
            a = Queue(Any)
            b = Queue(Any)
            c = Queue(Any)
            urgent = Queue(Any, priority=10)

            async def run(self):
                if result.done():
                    return
                try:
                    value = await body(self)
                except BaseException as error:
                    if not result.done():
                        result.set_exception(
                            RuntimeError("cancelled") if isinstance(error, asyncio.CancelledError) else error
                        )
                    raise
                result.set_result(value)

        self.actor_class = Puppet
        self.handle = Puppet.get_or_create("puppet")

    def send(self, *mail):
        """``("a", body)`` each."""
        return [self.handle.send(queue, body) for queue, body in mail]

    def wait(self):
        return self.result.result(PATIENCE)


@pytest.fixture
def puppet():
    return Puppet


@pytest.fixture
def result_of(start_worker):
    """``result_of(run, ("a", 1), ("b", 2))``: what ``run`` gives on this mail, which is there before it starts."""

    def result_of(body, *mail):
        made = Puppet(body)
        made.send(*mail)
        if not mail:
            made.actor_class.create("puppet")
        start_worker()
        return made.wait()

    return result_of
