"""What a request to a queue says: the body, and how it is to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework.request import Request

from actorqueues.client.options import LONGEST_KEY, is_idempotency_key
from actorqueues.web.bodies import RequestInvalid, read_object
from actorqueues.web.sending import LONGEST_DELAY, LONGEST_WAIT

M = TypeVar("M", bound=BaseModel)

WRAP_IT = 'This is a bare body: wrap it in {"body": …}. Beside it there may be %s.'


class Envelope(BaseModel):
    """``timeout`` and ``delay`` in milliseconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: Any = None
    wait: bool = False
    timeout: float | None = Field(None, ge=0, le=LONGEST_WAIT, allow_inf_nan=False)
    delay: float | None = Field(None, ge=0, le=LONGEST_DELAY, allow_inf_nan=False)
    dedupe: str | None = None

    @property
    def timeout_seconds(self) -> float | None:
        return None if self.timeout is None else self.timeout / 1000


def read_envelope(request: Request) -> Envelope:
    """Raises ``RequestInvalid``, ``RequestTooLarge``, and what DRF's parsers raise."""
    data = read_object(request)
    if data is None or is_bare(data):
        names = ", ".join(f'"{name}"' for name in Envelope.model_fields if name != "body")
        raise RequestInvalid(WRAP_IT % names)
    return validated(Envelope, data)


def is_bare(data: Mapping[str, Any]) -> bool:
    return "body" not in data and not data.keys() <= Envelope.model_fields.keys()


def validated(model: type[M], data: Mapping[str, Any]) -> M:
    """Raises ``RequestInvalid`` with what is wrong where."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestInvalid(
            "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems[:5])
        ) from None


def read_idempotency_key(request: Request) -> str | None:
    """The header ``Idempotency-Key``. Raises ``RequestInvalid``."""
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not is_idempotency_key(key):
        raise RequestInvalid(f"Idempotency-Key has 1 to {LONGEST_KEY} bytes.")
    return key
