"""The frames of protocol version 1. docs/reference/websocket.md describes them."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from actorqueues.client.options import LONGEST_KEY, is_idempotency_key
from actorqueues.consumers.refusals import FrameInvalid
from actorqueues.definitions.keys import Key, normalise_key
from actorqueues.events.live import LiveEvent
from actorqueues.storage.events import Standing
from actorqueues.web.sending import LONGEST_DELAY, LONGEST_WAIT

VERSION = 1
SUBPROTOCOL = "actorqueues.v1"

Id = Annotated[str, Field(max_length=64)] | int
Part = Annotated[str, Field(max_length=128)] | int
Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def checked_key(key: str) -> str:
    if not is_idempotency_key(key):
        raise ValueError(f"it has 1 to {LONGEST_KEY} bytes")
    return key


class Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Request(Frame):
    """What is answered with its ``id``."""

    id: Id


class ActorRequest(Request):
    actor: str = Field(max_length=64)
    key: Part | list[Part]

    @property
    def parts(self) -> tuple[str, ...]:
        """Raises ``KeyInvalid``."""
        key: Key = tuple(self.key) if isinstance(self.key, list) else self.key
        return normalise_key(key)


class Subscribe(ActorRequest):
    type: Literal["subscribe"]
    events: list[Annotated[str, Field(max_length=64)]] | None = Field(None, min_length=1, max_length=100)
    after: int | None = Field(None, ge=0, le=2**63 - 1)
    generation: int | None = Field(None, ge=1, le=2**31 - 1)


class Unsubscribe(ActorRequest):
    type: Literal["unsubscribe"]


class SubscribeUser(Request):
    type: Literal["subscribe_user"]


class UnsubscribeUser(Request):
    type: Literal["unsubscribe_user"]


class Follow(ActorRequest):
    type: Literal["follow"]
    message: str = Field(max_length=64)


class Unfollow(Request):
    type: Literal["unfollow"]
    message: str = Field(max_length=64)


class Send(ActorRequest):
    type: Literal["send"]
    queue: str = Field(max_length=64)
    body: Any = None
    wait: bool = False
    timeout: Annotated[Milliseconds, Field(le=LONGEST_WAIT)] | None = None
    delay: Annotated[Milliseconds, Field(le=LONGEST_DELAY)] | None = None
    dedupe: str | None = None
    idempotency_key: Annotated[str, AfterValidator(checked_key)] | None = None


class Call(ActorRequest):
    type: Literal["call"]
    action: str = Field(max_length=64)
    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class Ping(Frame):
    type: Literal["ping"]
    id: Id | None = None


class Pong(Frame):
    type: Literal["pong"]
    ping: int


AnyRequest = (
    Subscribe | Unsubscribe | SubscribeUser | UnsubscribeUser | Follow | Unfollow | Send | Call
)  # fmt: skip
AnyFrame = AnyRequest | Ping | Pong

reader: TypeAdapter[AnyFrame] = TypeAdapter(Annotated[AnyFrame, Field(discriminator="type")])


def read_frame(text: str) -> AnyFrame:
    """Raises ``FrameInvalid``, which knows the request's ``id`` where there is one."""
    try:
        values = json.loads(text, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FrameInvalid(problem=f"it is not JSON ({type(error).__name__})") from None
    if not isinstance(values, dict):
        raise FrameInvalid(problem="it is not a JSON object")
    try:
        return reader.validate_python(values)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in problems[:5])
        wrong = FrameInvalid(problem=told)
        wrong.request_id = id_of(values)
        raise wrong from None


def refuse_constant(name: str) -> None:
    raise ValueError(name)


def id_of(values: dict[str, Any]) -> str | int | None:
    found = values.get("id")
    is_id = isinstance(found, int) or (isinstance(found, str) and len(found) <= 64)
    return found if is_id and not isinstance(found, bool) else None


def written(**values: Any) -> str:
    return json.dumps(values, separators=(",", ":"), default=str)


def event_text(event: LiveEvent) -> str:
    """One text for all sockets: what differs between them is not in it."""
    head = written(
        type="event",
        actor=event.actor_type,
        key=event.key,
        event=event.name,
        number=event.number,
        message=None if event.message_uid is None else event.message_uid.hex,
        user=event.user_id is not None,  # addressed to whoever gets it
    )
    return f'{head[:-1]},"data":{event.data}}}'


def progress_text(event: LiveEvent) -> str:
    head = written(type="progress", message=None if event.message_uid is None else event.message_uid.hex)
    return f"{head[:-1]},{event.data[1:]}"  # its data is an object


def standing_of(standing: Standing) -> dict[str, int | None]:
    return {"number": standing.number, "generation": standing.generation}
