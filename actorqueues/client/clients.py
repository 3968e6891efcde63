from __future__ import annotations

from typing import Any, TypeVar

from actorqueues.bridge import in_thread, refuse_running_loop
from actorqueues.client.handle import Handle
from actorqueues.client.operating import look_at, pause, resume
from actorqueues.client.outgoing import refuse_too_large
from actorqueues.client.targets import Target
from actorqueues.conf import settings
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import Key
from actorqueues.definitions.schema import Schema, SchemaError
from actorqueues.exceptions import ActorExists, BodyInvalid
from actorqueues.storage.actors import create_actor
from actorqueues.storage.pausing import pause_type, resume_type

A = TypeVar("A", bound=Actor[Any])

ANY_JSON = Schema(Any)


class DatabaseClients:
    """What the class methods of actors do, in the project's own database. Put in place by ``apps.ready``."""

    def handle(self, actor_class: type[A], key: Key, *, create: bool, input: Any = None) -> Handle[A]:
        return Handle(Target.by_key(actor_class, key, must_exist=not create, input=dump_input(input)))

    def handle_for_id(self, actor_class: type[A], id: str) -> Handle[A]:
        return Handle(Target.by_id(actor_class, id))

    def create(self, actor_class: type[A], key: Key, *, input: Any = None) -> Handle[A]:
        refuse_running_loop("create")
        return self._create(actor_class, key, input)

    async def acreate(self, actor_class: type[A], key: Key, *, input: Any = None) -> Handle[A]:
        return await in_thread(self._create, actor_class, key, input)

    def pause(self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None) -> None:
        refuse_running_loop("pause")
        self._pause(actor_class, queue, key)

    async def apause(
        self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None
    ) -> None:
        await in_thread(self._pause, actor_class, queue, key)

    def resume(self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None) -> None:
        refuse_running_loop("resume")
        self._resume(actor_class, queue, key)

    async def aresume(
        self, actor_class: type[Any], *, queue: str | None = None, key: Key | None = None
    ) -> None:
        await in_thread(self._resume, actor_class, queue, key)

    @staticmethod
    def _create(actor_class: type[A], key: Key, input: Any) -> Handle[A]:
        target = Target.by_key(actor_class, key, must_exist=False)
        text = dump_input(input)
        if not create_actor(target.actor_id, target.type_name, target.key, input=text, using=target.using):
            raise ActorExists(actor=target.address)
        look_at(target)
        return Handle(target)

    @staticmethod
    def _pause(actor_class: type[Any], queue: str | None, key: Key | None) -> None:
        if key is None:
            pause_type(actor_class.type_name, queue or "", using=settings.DATABASE)
        else:
            pause(one_actor(actor_class, queue, key))

    @staticmethod
    def _resume(actor_class: type[Any], queue: str | None, key: Key | None) -> None:
        if key is None:
            resume_type(actor_class.type_name, queue or "", using=settings.DATABASE)
        else:
            resume(one_actor(actor_class, queue, key))


def one_actor(actor_class: type[Any], queue: str | None, key: Key) -> Target:
    if queue is not None:
        raise ValueError("Pause one actor (key=) or one queue of all (queue=), not one queue of one actor.")
    return Target.by_key(actor_class, key, must_exist=False)


def dump_input(input: Any) -> str | None:
    """JSON text. Raises ``BodyInvalid``, ``MessageTooLarge``."""
    if input is None:
        return None
    try:
        text = ANY_JSON.dump(input)
    except SchemaError as error:
        raise BodyInvalid(f"The input is not JSON: {error}", path=list(error.path)) from None
    refuse_too_large(text)
    return text
