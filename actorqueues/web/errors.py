"""Every error on the wire is ``{"group", "code", "message", "metadata"}`` with a status that fits it."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from actorqueues.exceptions import ActorQueuesError, QueueFull

logger = logging.getLogger("actorqueues.web")

IN_FAILED_TRANSACTION = "25P02"  # an SQLSTATE
RETRY_AFTER = 1  # seconds, for what may be possible again soon
TEXT_OF_500 = "Something went wrong here. The server's log tells what."


@dataclass(frozen=True, slots=True)
class WireError:
    group: str
    code: str
    message: str
    status: int
    metadata: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def payload(self) -> dict[str, Any]:
        return plain({
            "group": self.group, "code": self.code, "message": self.message, "metadata": self.metadata,
        })  # fmt: skip


def wire_error(error: BaseException) -> WireError:
    """What a client is told. An error that nobody foresaw is logged, and its text stays here."""
    if isinstance(error, ActorQueuesError):
        return of_ours(error)
    if is_database_trouble(error):
        logger.error("the database did not do what a request needs: %s", error)
        text = "The database cannot be used now. Try again soon; a message under the same Idempotency-Key."
        return WireError("database", "unavailable", text, 503, headers=retry_soon())
    if isinstance(error, Http404):
        return WireError("request", "not_found", "There is nothing at this address.", 404)
    if isinstance(error, PermissionDenied):
        return WireError("auth", "forbidden", "You may not do this.", 403)
    if isinstance(error, RequestDataTooBig):
        return WireError("request", "too_large", "The request is too large.", 413)
    if isinstance(error, SuspiciousOperation):
        return WireError("request", "invalid", "The request is not valid.", 400)
    if isinstance(error, drf.APIException):
        return of_drf(error)
    logger.error("a request failed", exc_info=error)
    return WireError("internal", "error", TEXT_OF_500, 500)


def is_database_trouble(error: BaseException) -> bool:
    """Whether it may be over soon: a server that is away, or one that only reads, as before a failover is complete."""
    if isinstance(error, InternalError):
        # Statements after a failed one in a transaction: a mistake of the project's code.
        return getattr(error.__cause__, "sqlstate", None) != IN_FAILED_TRANSACTION
    return isinstance(error, OperationalError | InterfaceError)


def of_ours(error: ActorQueuesError) -> WireError:
    group, _, code = error.code.partition(".")
    if error.status >= 500:
        logger.error("a request failed: %s", error.message, exc_info=error)
        return WireError(group, code, TEXT_OF_500, error.status)
    headers = retry_soon() if isinstance(error, QueueFull) else {}
    return WireError(group, code, error.message, error.status, error.metadata, headers)


def of_drf(error: drf.APIException) -> WireError:
    headers: dict[str, str] = {}
    metadata: dict[str, Any] = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if (wait := getattr(error, "wait", None)) is not None:  # throttled
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(error, drf.ValidationError):
        metadata = {"errors": error.get_full_details()}
    group = "auth" if error.status_code in (401, 403) else "request"
    code = "forbidden" if error.status_code == 403 else str(error.default_code)
    text = "The request is not valid." if metadata else str(error.detail)
    return WireError(group, code, text, error.status_code, metadata, headers)


def plain(told: dict[str, Any]) -> dict[str, Any]:
    """As JSON in UTF-8 has it: metadata may hold anything, and a client's own text half a surrogate pair."""
    text = json.dumps(told, default=str, allow_nan=False, ensure_ascii=False)
    found: dict[str, Any] = json.loads(text.encode(errors="replace"))
    return found


def retry_soon() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER)}
