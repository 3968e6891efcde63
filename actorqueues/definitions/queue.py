"""Queues: the named entrances of an actor's mailbox."""

from __future__ import annotations

import copy
import weakref
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypedDict, TypeVar, cast, overload

from typing_extensions import TypeForm, Unpack

from actorqueues.conf import settings
from actorqueues.definitions import ports
from actorqueues.definitions.annotations import module_namespace, resolve
from actorqueues.definitions.backoff import Backoff
from actorqueues.definitions.marks import CONTENT, UNSET, ContentType, UnsetType
from actorqueues.definitions.names import check_name
from actorqueues.definitions.problems import DefinitionInvalid, Problem
from actorqueues.definitions.pushing import Push
from actorqueues.definitions.receiving import Mailbox
from actorqueues.definitions.schema import Schema, SchemaError
from actorqueues.exceptions import BodyInvalid, KeyInvalid, ReplyInvalid

if TYPE_CHECKING:
    from actorqueues.definitions.actor import Actor
    from actorqueues.definitions.keys import KeyPart

B = TypeVar("B")
R = TypeVar("R")
Body = TypeVar("Body")
Reply = TypeVar("Reply")

DEFAULT_BACKOFF: Final = Backoff()


class QueueOptions(TypedDict, total=False):
    name: str | None
    priority: int
    max_attempts: int | None
    backoff: Backoff
    max_depth: int | UnsetType | None
    dedupe: ContentType | None


class Queue(Generic[B, R]):
    """A queue of an actor type, declared in its class.

    On the class it is a reference to send to; on an instance it is a ``Mailbox`` to receive from.

    ``body``: the type of the messages, None for messages without one, ``Any`` for any JSON. ``reply``: the
    type of the replies, None for no reply. ``name``: the wire name, else the attribute's. ``priority``:
    higher ones are received first. ``max_attempts``: failures before the dead letters, None for no limit.
    ``max_depth``: messages at once, None for no limit, else the setting ``MAX_DEPTH``. ``dedupe=CONTENT``:
    equal bodies within ``DEDUPE_WINDOW`` are sent once.
    """

    timeout: float | None = None

    @overload
    def __init__(
        self: Queue[None, None], body: None, *, reply: None = None, **options: Unpack[QueueOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: Queue[None, Reply], body: None, *, reply: TypeForm[Reply], **options: Unpack[QueueOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: Queue[Body, None], body: TypeForm[Body], *, reply: None = None, **options: Unpack[QueueOptions]
    ) -> None: ...
    @overload
    def __init__(
        self: Queue[Body, Reply],
        body: TypeForm[Body],
        *,
        reply: TypeForm[Reply],
        **options: Unpack[QueueOptions],
    ) -> None: ...
    def __init__(self, body: Any, *, reply: Any = None, **options: Unpack[QueueOptions]) -> None:
        unknown = set(options) - set(QueueOptions.__annotations__)
        if unknown:
            raise TypeError(f"Queue() has no option {', '.join(sorted(unknown))}.")
        self._annotations: dict[str, Any] = {"body": body, "reply": reply}
        self._schemas: dict[str, Schema | None] = {}
        self._copies: weakref.WeakKeyDictionary[type, Self] = weakref.WeakKeyDictionary()
        self.owner: type[Actor[Any]] = None  # type: ignore[assignment]  # set with the name
        self.attribute = ""
        self.name = check_name(options["name"], "name=") if options.get("name") else ""
        self.priority = _whole(options.get("priority", 0), "priority")
        self.max_attempts = _positive(options.get("max_attempts"), "max_attempts")
        self.backoff = _backoff(options.get("backoff", DEFAULT_BACKOFF))
        depth = options.get("max_depth", UNSET)
        self.max_depth: int | UnsetType | None = depth if depth is UNSET else _positive(depth, "max_depth")
        self.dedupe: ContentType | None = _dedupe(options.get("dedupe"))

    def __repr__(self) -> str:
        owner = self.owner.__name__ if self.owner is not None else "?"
        return f"<{type(self).__name__} {owner}.{self.attribute or self.name}>"

    def __set_name__(self, owner: type, name: str) -> None:
        if self.attribute:  # a second name for the same queue would be a second owner of its messages
            return
        self.owner = owner
        self.attribute = name
        self.name = self.name or name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: Actor[Any], owner: type) -> Mailbox[B, R]: ...
    def __get__(self, instance: Actor[Any] | None, owner: type) -> Any:
        if instance is None:
            return self.of(owner)
        return Mailbox(instance, self.of(owner))

    def of(self, owner: type) -> Self:
        """This queue as ``owner`` has it, which may have inherited it."""
        if owner is self.owner:
            return self
        inherited = self._copies.get(owner)
        if inherited is None:
            inherited = copy.copy(self)
            inherited.owner = owner
            inherited = self._copies.setdefault(owner, inherited)
        return inherited

    # Schemas

    @property
    def body(self) -> Schema | None:
        """None for messages without a body. Raises ``DefinitionInvalid`` for an unusable annotation."""
        return self._schema("body")

    @property
    def reply(self) -> Schema | None:
        """None where there is no reply. Raises ``DefinitionInvalid`` for an unusable annotation."""
        return self._schema("reply")

    def _schema(self, part: str) -> Schema | None:
        try:
            return self._schemas[part]
        except KeyError:
            pass
        try:
            annotation = self._resolved(part)
            schema = None if annotation is None or annotation is type(None) else Schema(annotation)
        except DefinitionInvalid:
            raise
        except Exception as error:
            raise DefinitionInvalid(self._unresolved(part, error)) from error
        return self._schemas.setdefault(part, schema)

    def _resolved(self, part: str) -> Any:
        return resolve(self._annotations[part], (vars(self.owner), module_namespace(self.owner)))

    def _unresolved(self, part: str, error: Exception) -> Problem:
        return Problem(
            "E011",
            f"The {part} of {self!r} cannot be used as a schema: {' '.join(str(error).split())}",
            f"Import its type at run time (not under TYPE_CHECKING), or give another one with {part}=.",
            self.owner,
        )

    def dump_body(self, value: Any) -> str | None:
        """The stored form of a body; None without one. Raises ``BodyInvalid``."""
        try:
            return _dump(self.body, value, "takes messages without a body")
        except SchemaError as error:
            raise self._body_invalid(error) from None

    def load_body(self, text: str | None) -> B:
        """The body that was stored. Raises ``BodyInvalid`` if it no longer fits."""
        try:
            return cast(B, _load(self.body, text))
        except SchemaError as error:
            raise self._body_invalid(error) from None

    def dump_reply(self, value: Any) -> str | None:
        """The stored form of a reply; None where there is none. Raises ``ReplyInvalid``."""
        try:
            return _dump(self.reply, value, "has no reply=, so nothing can be replied")
        except SchemaError as error:
            raise self._reply_invalid(error) from None

    def load_reply(self, text: str | None) -> R:
        """The reply that was stored. Raises ``ReplyInvalid`` if it no longer fits."""
        try:
            return cast(R, _load(self.reply, text))
        except SchemaError as error:
            raise self._reply_invalid(error) from None

    def _body_invalid(self, error: SchemaError) -> BodyInvalid:
        return BodyInvalid(queue=self.name, problem=str(error), path=list(error.path))

    def _reply_invalid(self, error: SchemaError) -> ReplyInvalid:
        return ReplyInvalid(queue=self.name, problem=str(error), path=list(error.path))

    @property
    def depth_limit(self) -> int | None:
        """``max_depth``, or the setting where it was left out."""
        return settings.MAX_DEPTH if self.max_depth is UNSET else self.max_depth

    # On the class: the fluent way to send, and operations on this queue of all actors of the type

    def group(self, *key: KeyPart) -> Push[B, R]:
        """Address an actor by its key: ``Counter.increment.group(7).push(body)``. Raises ``KeyInvalid``."""
        return Push(self, key)

    def push(self, *body: Any, **options: Any) -> Any:
        """Raises ``KeyInvalid``: a message needs a ``group``."""
        raise KeyInvalid(f"Which actor? Write {self._path()}.group(key).push(...).")

    async def apush(self, *body: Any, **options: Any) -> Any:
        """Raises ``KeyInvalid``: a message needs a ``group``."""
        raise KeyInvalid(f"Which actor? Write {self._path()}.group(key).apush(...).")

    def _path(self) -> str:
        return f"{self.owner.__name__}.{self.attribute}"

    def pause(self) -> None:
        """Deliver nothing from this queue, in any actor of the type, until ``resume``. Sending goes on."""
        ports.clients.pause(self.owner, queue=self.name)

    async def apause(self) -> None:
        await ports.clients.apause(self.owner, queue=self.name)

    def resume(self) -> None:
        """Ends ``pause``."""
        ports.clients.resume(self.owner, queue=self.name)

    async def aresume(self) -> None:
        await ports.clients.aresume(self.owner, queue=self.name)


def _dump(schema: Schema | None, value: Any, refusal: str) -> str | None:
    if schema is not None:
        return schema.dump(value)
    if value is not None:
        raise SchemaError(f"it {refusal}")
    return None


def _load(schema: Schema | None, text: str | None) -> Any:
    if schema is None:
        return None
    return schema.load("null" if text is None else text)


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {value!r}.")
    return value


def _positive(value: Any, name: str) -> int | None:
    if value is not None and _whole(value, name) < 1:
        raise ValueError(f"{name} must be 1 or more, or None for no limit, not {value!r}.")
    return value  # type: ignore[no-any-return]


def _backoff(value: Any) -> Backoff:
    if not isinstance(value, Backoff):
        raise TypeError(f"backoff must be a Backoff, not {value!r}.")
    return value


def _dedupe(value: Any) -> ContentType | None:
    if value is None or value is CONTENT:
        return None if value is None else CONTENT
    if value == CONTENT.value:
        return CONTENT
    raise ValueError(
        f"dedupe must be CONTENT or None, not {value!r}. A key of its own goes to send(dedupe=...)."
    )
