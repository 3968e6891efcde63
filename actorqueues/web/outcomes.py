"""What became of a message, as the wire has it."""

from __future__ import annotations

import json
from typing import Any

from actorqueues.access import Access
from actorqueues.access.permission import may_see
from actorqueues.definitions.text import TRACEBACK
from actorqueues.exceptions import Forbidden
from actorqueues.models import OutcomeStatus
from actorqueues.storage.outcomes import StoredOutcome

TEXT_OF_FAILURE = "Its handler failed. The server's log tells why."


def wire_outcome(outcome: StoredOutcome | None) -> dict[str, Any]:
    """``status`` (``completed``, ``failed``, or ``timedOut`` where there is no outcome), ``response``, ``error``."""
    if outcome is None:
        return {"status": "timedOut", "response": None}
    if outcome.status != OutcomeStatus.COMPLETED:
        return {"status": "failed", "response": None, "error": told_error(outcome.error)}
    return {"status": "completed", "response": None if outcome.reply is None else json.loads(outcome.reply)}


def refuse_others(access: Access, sender_id: str | None) -> None:
    """Raises ``Forbidden`` where a send repeats somebody else's message, whose reply is theirs."""
    if not may_see(access, sender_id):
        raise Forbidden("An equal message was sent before by somebody else, and so its reply is theirs.")


def told_error(error: str | None) -> str:
    """A reason that somebody wrote for the sender; never a traceback."""
    if not error:
        return "failed"
    return TEXT_OF_FAILURE if TRACEBACK in error else error
