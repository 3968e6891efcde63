from __future__ import annotations

from typing import Any
from uuid import UUID

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client.letters import DeadMessage
from actorqueues.client.receipts import Receipt
from actorqueues.client.targets import Target
from actorqueues.client.users import current_user_id
from actorqueues.client.waiting import uid_of
from actorqueues.storage.actors import actor_exists, mark_destroying
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.dead_letters import list_dead_letters, replay_dead_letters
from actorqueues.storage.pausing import pause_actor, resume_actor
from actorqueues.wakeups import announce_after_commit


class Operator:
    """The part of a handle that looks at an actor and operates it from outside."""

    _target: Target

    def get_state(self) -> Any:
        """The last committed state, to read: a copy. The initial state before there is any.

        Raises ``ActorNotFound`` for a handle from ``get`` or ``get_for_id``, ``StateInvalid``.
        """
        refuse_running_loop("get_state")
        return read_state(self._target)

    async def aget_state(self) -> Any:
        return await in_thread(read_state, self._target)

    def exists(self) -> bool:
        """Whether there is such an actor: created or sent a message, and not destroyed."""
        refuse_running_loop("exists")
        return exists(self._target)

    async def aexists(self) -> bool:
        return await in_thread(exists, self._target)

    def pause(self) -> None:
        """Its mail is stored, but not handled until ``resume``. What is in flight gets the grace period.

        Raises ``ActorNotFound`` as ``get_state`` does.
        """
        refuse_running_loop("pause")
        pause(self._target)

    async def apause(self) -> None:
        await in_thread(pause, self._target)

    def resume(self) -> None:
        """Ends ``pause``, and lets an actor go on that was held. Raises ``ActorNotFound`` as ``get_state`` does."""
        refuse_running_loop("resume")
        resume(self._target)

    async def aresume(self) -> None:
        await in_thread(resume, self._target)

    def destroy(self) -> None:
        """Marks the actor: a worker runs ``on_destroy`` and removes its messages (senders get ``failed``).

        A later message by key makes a new one. Raises ``ActorNotFound`` as ``get_state`` does.
        """
        refuse_running_loop("destroy")
        destroy(self._target)

    async def adestroy(self) -> None:
        await in_thread(destroy, self._target)

    def cancel(self, message: str | Receipt) -> bool:
        """Takes back a message that was never started and frees its dedupe key. False: it has, or is gone."""
        refuse_running_loop("cancel")
        return cancel(self._target, uid_of(message))

    async def acancel(self, message: str | Receipt) -> bool:
        return await in_thread(cancel, self._target, uid_of(message))

    def dead_letters(self) -> list[DeadMessage]:
        """The actor's messages that will not be tried again, the latest first."""
        refuse_running_loop("dead_letters")
        return dead_letters(self._target)

    async def adead_letters(self) -> list[DeadMessage]:
        return await in_thread(dead_letters, self._target)

    def replay(self, *messages: str | Receipt | DeadMessage) -> list[str]:
        """Puts dead letters (all without arguments) at the tail of their queues, their attempts reset.

        Gives the ids of those that were there.
        """
        refuse_running_loop("replay")
        return replay(self._target, messages)

    async def areplay(self, *messages: str | Receipt | DeadMessage) -> list[str]:
        return await in_thread(replay, self._target, messages)


def read_state(target: Target) -> Any:
    definition = target.actor_class.definition
    row = target.row()
    if row is None and target.must_exist and not exists(target):
        raise target.not_found()
    if row is None or row.state is None:
        return definition.state.initial()
    return definition.state.load(row.state, definition.upgrade)


def exists(target: Target) -> bool:
    if target.generation is not None:
        return target.row() is not None
    return actor_exists(target.actor_id, using=target.using)


def pause(target: Target) -> None:
    if target.must_exist and not exists(target):
        raise target.not_found()
    pause_actor(target.actor_id, target.type_name, target.key, user_id=current_user_id(), using=target.using)
    look_at(target)


def resume(target: Target) -> None:
    if target.must_exist and not exists(target):
        raise target.not_found()
    resume_actor(target.actor_id, target.type_name, target.key, user_id=current_user_id(), using=target.using)
    look_at(target)


def destroy(target: Target) -> None:
    marked = mark_destroying(
        target.actor_id,
        target.type_name,
        target.key,
        generation=target.generation,
        user_id=current_user_id(),
        using=target.using,
    )
    if marked:
        look_at(target)
    elif target.must_exist:
        raise target.not_found()


def cancel(target: Target, uid: UUID) -> bool:
    cancelled = cancel_message(uid, actor_id=target.actor_id, user_id=current_user_id(), using=target.using)
    if cancelled:
        announce_after_commit("done", [uid], using=target.using)
    return cancelled


def dead_letters(target: Target) -> list[DeadMessage]:
    return [DeadMessage.of(letter) for letter in list_dead_letters(target.actor_id, using=target.using)]


def replay(target: Target, messages: tuple[str | Receipt | DeadMessage, ...]) -> list[str]:
    uids = [uid_of(one.id if isinstance(one, DeadMessage) else one) for one in messages] or None
    found = replay_dead_letters(
        target.actor_id, target.type_name, target.key, uids, user_id=current_user_id(), using=target.using
    )
    if found:
        look_at(target)
    return [uid.hex for uid in found]


def look_at(target: Target) -> None:
    announce_after_commit("work", [target.actor_id], using=target.using)
