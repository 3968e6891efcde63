from __future__ import annotations

from typing import Any
from uuid import UUID

from actorqueues.conf import settings
from actorqueues.definitions.actor import Actor
from actorqueues.definitions.keys import (
    Key,
    actor_id_for,
    decode_key,
    encode_key,
    normalise_key,
    parse_public_id,
)
from actorqueues.exceptions import ActorNotFound
from actorqueues.models import ActorInstance
from actorqueues.storage.actors import HERE, read_actor


class Target:
    """Which actor a handle addresses: by key, or one generation of it by its id."""

    __slots__ = (
        "_key",
        "_parts",
        "actor_class",
        "actor_id",
        "generation",
        "input",
        "must_exist",
        "type_name",
    )

    def __init__(self, actor_class: type[Actor[Any]], actor_id: UUID) -> None:
        self.actor_class = actor_class
        self.type_name = actor_class.type_name
        self.actor_id = actor_id
        self.generation: int | None = None
        self.must_exist = False
        self.input: str | None = None
        self._parts: tuple[str, ...] | None = None
        self._key: str | None = None

    @classmethod
    def by_key(
        cls, actor_class: type[Actor[Any]], key: Key, *, must_exist: bool, input: str | None = None
    ) -> Target:
        """Raises ``KeyInvalid``."""
        parts = normalise_key(key)
        stored = encode_key(parts)
        target = cls(actor_class, actor_id_for(actor_class.type_name, stored))
        target._parts, target._key = parts, stored
        target.must_exist, target.input = must_exist, input
        return target

    @classmethod
    def by_id(cls, actor_class: type[Actor[Any]], public_id: str) -> Target:
        """Raises ``ActorNotFound`` for what is no id. Whether the actor is there is seen when it is used."""
        actor_id, generation = parse_public_id(public_id)
        target = cls(actor_class, actor_id)
        target.generation, target.must_exist = generation, True
        return target

    @property
    def is_located(self) -> bool:
        """Whether ``key`` is known without asking the database."""
        return self._key is not None

    @property
    def key(self) -> str:
        """As it is stored. An id has to be looked up once: raises ``ActorNotFound``."""
        if self._key is None:
            key: str = self.require_row().key
            self._key = key
        return self._key

    @property
    def parts(self) -> tuple[str, ...]:
        if self._parts is None:
            self._parts = decode_key(self.key)
        return self._parts

    @property
    def address(self) -> str:
        """``type/key``"""
        return f"{self.type_name}/{self.key}"

    @property
    def using(self) -> str:
        return settings.DATABASE

    def row(self) -> ActorInstance | None:
        """The actor's row, if it is there and of the generation that is meant."""
        row = read_actor(self.actor_id, using=self.using)
        if row is None or row.status not in HERE or row.type != self.type_name:
            return None
        return row if self.generation in (None, row.generation) else None

    def require_row(self) -> ActorInstance:
        """Raises ``ActorNotFound``."""
        row = self.row()
        if row is None:
            raise self.not_found()
        return row

    def not_found(self) -> ActorNotFound:
        name = (
            f"{self.type_name}/{self._key}"
            if self._key is not None
            else f"{self.actor_id.hex}-{self.generation}"
        )
        return ActorNotFound(actor=name)
