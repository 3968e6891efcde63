"""The life of an activation: wake, run, and again, until it sleeps, stops or is lost."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from actorqueues.definitions.actor import Actor
from actorqueues.definitions.backoff import Backoff
from actorqueues.definitions.text import shortened, storable
from actorqueues.exceptions import LeaseLost, OperationRefused, Reject, StateInvalid
from actorqueues.models import ActorStatus
from actorqueues.runtime.farewell import leave
from actorqueues.storage.operations import Initialise

if TYPE_CHECKING:
    from actorqueues.runtime.activation import Activation

LONGEST_REASON = 4000  # characters, before NUL and lone surrogates are spelled out

logger = logging.getLogger("actorqueues.activation")

PAUSES = Backoff()  # between two runs of a loop that ended while mail was waiting: 1, 2, 4 … 300 s


async def live(activation: Activation) -> None:
    """From the claim to the release. Never raises: what goes wrong costs only this actor."""
    held: str | None = None
    try:
        await activation.fetch_mail()
        held = load(activation)
        if activation.claimed.status == ActorStatus.DESTROYING:
            activation.end("destroy")
        elif held is None:
            await wake(activation)
            await run_again_and_again(activation)
    except (LeaseLost, OperationRefused) as error:
        activation.lose(error)
    except Exception:
        logger.exception("%s: its activation failed", activation.address, extra=activation.log_fields)
        await pause(activation, 1)
    finally:
        await leave(activation, held)


def load(activation: Activation) -> str | None:
    """The stored state, or the first one. Gives the reason when the actor must be held until a person has looked."""
    document, definition = activation.document, activation.definition
    try:
        if activation.claimed.initialised and activation.claimed.state is not None:
            document.load(activation.claimed.state, definition.upgrade)
        else:
            document.begin()
    except StateInvalid as error:
        logger.error("%s is held: %s", activation.address, error, extra=activation.log_fields)
        return storable(shortened(str(error), LONGEST_REASON))
    activation.is_created = activation.claimed.initialised
    return None


async def wake(activation: Activation) -> None:
    """Makes the user's object and calls its hooks, until they have not failed."""
    failed = 0
    while activation.ending is None:
        try:
            actor = activation.bring_to_life()
            if not activation.is_created:
                await create(activation, actor)
            await activation.call_hook(actor.on_wake)
            activation.is_awake = True
            return
        except Exception:
            if activation.lost is not None:
                return
            failed += 1
            logger.exception(
                "%s failed to wake; tried again after 1, 2, 4 … 300 s",
                activation.address,
                extra=activation.log_fields,
            )
            await pause(activation, failed)


async def create(activation: Activation, actor: Actor[Any]) -> None:
    await activation.call_hook(actor.on_create, activation.input())
    activation.chain.submit(Initialise(activation.document.submit_first()))
    await activation.chain.durable()
    activation.is_created = True


async def run_again_and_again(activation: Activation) -> None:
    ended, logged = 0, False
    while activation.ending is None:
        settled = activation.settled
        error = await run_once(activation)
        if activation.ending is not None:
            return
        await activation.chain.durable()
        await activation.fetch_mail()
        if activation.receiver.buffer.is_empty() and not activation.receiver.buffer.runs_low():
            activation.end("return")
            return
        ended = 1 if activation.settled > settled else ended + 1
        if error is None or not activation.scopes.failed_delivery:
            if not logged:
                log_early_end(activation, error)
            logged = True
            await pause(activation, ended)
        if error is not None:  # a failure that leaves run() ends all that was in memory
            await wake(activation)


def log_early_end(activation: Activation, error: BaseException | None) -> None:
    what = "returned" if error is None else f"raised {type(error).__name__}"
    logger.warning(
        "%s: run() %s with mail waiting; it starts again after 1, 2, 4 … 300 s",
        activation.address,
        what,
        extra=activation.log_fields,
    )


async def pause(activation: Activation, ended: int) -> None:
    """Waits before the next run, or until the activation is to end."""
    with suppress(TimeoutError):
        await asyncio.wait_for(activation.abort_signal.wait(), PAUSES.delay(ended))


async def run_once(activation: Activation) -> BaseException | None:
    """One call of ``run``; what it raised. What it leaves behind is cancelled, its threads are waited for."""
    scopes = activation.scopes
    scopes.begin()
    if type(activation.actor).run is not Actor.run:
        activation.has_started()
    task = scopes.run_task = activation.start(run(activation.actor))
    try:
        await wait_for_end(activation, task)
    finally:
        await activation.end_tasks()
    error = scopes.failure
    if error is not None:
        activation.restore_state()
    if error is not None and activation.ending is None and not isinstance(error, Reject):
        logger.error("%s: run() failed", activation.address, exc_info=error, extra=activation.log_fields)
        await report_error(activation, error)
    return error


async def run(actor: Actor[Any]) -> None:
    await actor.run()


async def wait_for_end(activation: Activation, task: asyncio.Task[Any]) -> None:
    """Until ``run`` has ended; once the activation is to end, it and its tasks have the grace period for that."""
    over = activation.loop.create_future()

    def end(*_: object) -> None:
        if not over.done():
            over.set_result(None)

    activation.scopes.broken.add_done_callback(end)
    task.add_done_callback(end)
    activation.abort_signal.add_callback(end)
    try:
        await over
    finally:
        activation.abort_signal.remove_callback(end)
    if activation.scopes.broken.done() or task.done():
        return
    grace = 0.0 if activation.lost is not None else activation.session.grace_left()
    await asyncio.wait(list(activation.scopes.tasks), timeout=grace)


async def report_error(activation: Activation, error: BaseException) -> None:
    try:
        await activation.call_hook(activation.actor.on_error, error)
    except Exception:
        logger.exception("%s: on_error failed", activation.address, extra=activation.log_fields)
        activation.restore_state()
