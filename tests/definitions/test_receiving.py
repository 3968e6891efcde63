import asyncio
import inspect
from datetime import timedelta
from types import SimpleNamespace

import pytest

from actorqueues import AbortSignal, Actor, ActorAborted, Queue, UnknownQueue
from actorqueues.definitions.receiving import RECEIVE_CODES, Mailbox, Mailboxes


class Assistant(Actor):
    prompt = Queue(str)
    stop = Queue(None)


class Receiver:
    def __init__(self, *batches):
        self.batches = list(batches)
        self.calls = []

    async def receive(self, queues, *, count, timeout, signal, completable):
        names = None if queues is None else [queue.name for queue in queues]
        self.calls.append((names, count, timeout, signal, completable))
        if not self.batches:
            raise ActorAborted
        return self.batches.pop(0)


def assistant(*batches):
    port = SimpleNamespace(receiver=Receiver(*batches), key=("a",))
    return Assistant._activated(port), port.receiver


def test_next_gives_one_message_or_none():
    actor, receiver = assistant(["m1"], [])
    signal = AbortSignal()

    async def body():
        return await actor.prompt.next(timeout=timedelta(seconds=2), signal=signal, completable=True), (
            await actor.prompt.try_next()
        )

    assert asyncio.run(body()) == ("m1", None)
    assert receiver.calls == [(["prompt"], 1, 2.0, signal, True), (["prompt"], 1, 0, None, False)]


def test_batches_are_lists():
    actor, receiver = assistant(["m1", "m2"], [])

    async def body():
        return await actor.prompt.next_batch(count=5, timeout=1), await actor.prompt.try_next_batch(count=2)

    assert asyncio.run(body()) == (["m1", "m2"], [])
    assert receiver.calls == [(["prompt"], 5, 1.0, None, False), (["prompt"], 2, 0, None, False)]


def test_several_queues_are_named_by_reference_name_or_mailbox_and_none_means_all():
    actor, receiver = assistant(*[["m"]] * 5)

    async def body():
        await actor.queue.next()
        await actor.queue.next(Assistant.prompt, "stop", timeout=0)
        await actor.queue.try_next(actor.stop, "stop")
        await actor.queue.next_batch("prompt", count=3, completable=True)
        await actor.queue.try_next_batch(count=3)

    asyncio.run(body())
    assert [call[:3] for call in receiver.calls] == [
        (None, 1, None),
        (["prompt", "stop"], 1, 0.0),
        (["stop"], 1, 0),
        (["prompt"], 3, None),
        (None, 3, 0),
    ]
    with pytest.raises(UnknownQueue, match="prompt"):
        asyncio.run(actor.queue.next("promt"))


def test_iter_ends_silently_when_the_actor_is_aborted():
    actor, receiver = assistant(["m1"], ["m2"])

    async def body():
        return [message async for message in actor.prompt.iter(completable=True)]

    assert asyncio.run(body()) == ["m1", "m2"]
    assert receiver.calls[0] == (["prompt"], 1, None, None, True)


def test_iter_over_several_queues():
    actor, receiver = assistant(["m1"])

    async def body():
        return [message async for message in actor.queue.iter("stop", Assistant.prompt)]

    assert asyncio.run(body()) == ["m1"]
    assert receiver.calls[0][0] == ["stop", "prompt"]


@pytest.mark.parametrize("count", [0, -1, 1.5, True, None])
def test_a_batch_has_at_least_one_message(count):
    actor, _ = assistant()
    with pytest.raises(ValueError, match="count"):
        asyncio.run(actor.prompt.next_batch(count=count))


@pytest.mark.parametrize(
    ("timeout", "error"), [(-1, ValueError), ("1", TypeError), (float("nan"), ValueError)]
)
def test_a_wrong_timeout_is_refused(timeout, error):
    actor, _ = assistant()
    with pytest.raises(error, match="timeout"):
        asyncio.run(actor.prompt.next(timeout=timeout))


def test_every_receive_is_known_by_its_code():
    actor, _ = assistant()
    coroutines = [
        actor.prompt.next(),
        actor.prompt.try_next(),
        actor.prompt.next_batch(),
        actor.prompt.try_next_batch(),
        actor.queue.next(),
        actor.queue.try_next(),
        actor.queue.next_batch(),
        actor.queue.try_next_batch(),
        actor.prompt.iter().__anext__(),
        actor.queue.iter().__anext__(),
    ]
    for coroutine in coroutines:
        assert inspect.iscoroutine(coroutine)
        assert coroutine.cr_code in RECEIVE_CODES
        coroutine.close()


def test_no_receive_is_forgotten_among_the_codes():
    declared = {
        function.__code__
        for cls in (Mailbox, Mailboxes)
        for name, function in vars(cls).items()
        if inspect.iscoroutinefunction(function) and not name.startswith("_") and name != "asend"
    }
    assert declared < RECEIVE_CODES
