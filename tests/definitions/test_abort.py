import asyncio
import gc
import threading
import time

import pytest

from actorqueues import AbortController, AbortSignal, ActorAborted


def test_a_signal_is_aborted_once_and_keeps_its_first_reason():
    controller = AbortController()
    assert (controller.signal.aborted, controller.signal.reason) == (False, None)
    controller.abort("first")
    controller.abort("second")
    assert (controller.signal.aborted, controller.signal.reason) == (True, "first")


def test_raise_if_aborted_says_why():
    controller = AbortController()
    controller.signal.raise_if_aborted()
    controller.abort("stopped by user")
    with pytest.raises(ActorAborted, match="stopped by user"):
        controller.signal.raise_if_aborted()


def test_an_exception_as_reason_is_the_cause():
    controller = AbortController()
    controller.abort(TimeoutError("too slow"))
    with pytest.raises(ActorAborted) as caught:
        controller.signal.raise_if_aborted()
    assert isinstance(caught.value.__cause__, TimeoutError)


def test_callbacks_run_once_and_at_once_when_it_is_too_late():
    controller, calls = AbortController(), []
    controller.signal.add_callback(lambda: calls.append("before"))
    removed = lambda: calls.append("removed")  # noqa: E731
    controller.signal.add_callback(removed)
    controller.signal.remove_callback(removed)
    controller.signal.remove_callback(removed)
    controller.abort()
    controller.abort()
    controller.signal.add_callback(lambda: calls.append("after"))
    assert calls == ["before", "after"]


def test_a_callback_that_raises_does_not_stop_the_others(caplog):
    controller, calls = AbortController(), []
    controller.signal.add_callback(lambda: 1 / 0)
    controller.signal.add_callback(lambda: calls.append(1))
    controller.abort()
    assert calls == [1]
    assert "abort signal" in caplog.text


def test_wait_wakes_when_another_thread_aborts():
    async def body():
        controller = AbortController()
        threading.Timer(0.02, controller.abort, ("reason",)).start()
        return await asyncio.wait_for(controller.signal.wait(), 5)

    assert asyncio.run(body()) == "reason"


def test_wait_on_an_aborted_signal_returns_at_once():
    controller = AbortController()
    controller.abort("x")
    assert asyncio.run(controller.signal.wait()) == "x"


def test_a_cancelled_wait_leaves_nothing_behind():
    async def body():
        signal = AbortSignal()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(signal.wait(), 0.01)
        return signal

    assert asyncio.run(body())._callbacks == []


def test_an_abort_after_the_waiting_loop_has_closed_is_harmless():
    controller = AbortController()
    loop = asyncio.new_event_loop()
    task = loop.create_task(controller.signal.wait())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    controller.abort()
    assert controller.signal.aborted
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_joined_signals_follow_the_first():
    one, other = AbortController(), AbortController()
    joined = AbortSignal.any(one.signal, None, other.signal)
    calls = []
    joined.add_callback(lambda: calls.append(joined.reason))
    other.abort("other")
    one.abort("one")
    assert (joined.aborted, joined.reason, calls) == (True, "other", ["other"])
    assert AbortSignal.any(other.signal, AbortSignal()).reason == "other"
    assert not AbortSignal.any().aborted


def test_joining_a_signal_again_and_again_fills_no_memory():
    actor = AbortController()
    for _ in range(1000):
        AbortSignal.any(actor.signal, AbortSignal())
    for _ in range(1000):
        joined, callback = AbortSignal.any(actor.signal), lambda: None
        joined.add_callback(callback)
        joined.remove_callback(callback)
    del joined
    gc.collect()
    assert len(actor.signal._joined) == 0
    assert len(actor.signal._listened_joins) == 0


def test_a_joined_signal_lives_while_somebody_listens():
    actor, calls = AbortController(), []
    AbortSignal.any(AbortSignal.any(actor.signal)).add_callback(lambda: calls.append(1))
    gc.collect()
    actor.abort()
    assert calls == [1]


def test_a_timeout_aborts_with_a_timeout_error():
    signal = AbortSignal.timeout(0.02)
    assert not signal.aborted
    assert isinstance(asyncio.run(signal.wait()), TimeoutError)
    joined = AbortSignal.any(AbortSignal.timeout(0.02))
    assert isinstance(asyncio.run(joined.wait()), TimeoutError)


def test_a_timeout_that_nobody_holds_ends_its_thread():
    before = threading.active_count()
    for _ in range(20):
        AbortSignal.timeout(60)
    gc.collect()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_aborting_from_many_threads_calls_back_once():
    controller, calls = AbortController(), []
    controller.signal.add_callback(lambda: calls.append(1))
    threads = [threading.Thread(target=controller.abort, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
