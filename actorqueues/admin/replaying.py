"""What can be done to dead letters."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import connections
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from actorqueues.admin.message_operations import left
from actorqueues.admin.operations import PATIENCE, Done, Operation, Operator
from actorqueues.models import DeadLetter
from actorqueues.storage.dead_letters import replay_some
from actorqueues.storage.dialects import dialect_for
from actorqueues.wakeups import announce_after_commit

CHUNK = 200  # letters in one transaction

NOT_THERE = _("it was replayed already, or its actor is gone.")


def replay(letters: Sequence[DeadLetter], operator: Operator, done: Done[DeadLetter]) -> None:
    """In parts, as far as it comes in ``PATIENCE``."""
    using, until = operator.using, time.monotonic() + PATIENCE
    before = dialect_for(using).now(connections[using])
    ordered = sorted(letters, key=lambda letter: letter.sequence)
    for start in range(0, len(ordered), CHUNK):
        if time.monotonic() > until:
            done.rest = left(len(ordered) - start)
            return
        part = done.at = ordered[start : start + CHUNK]
        chosen = DeadLetter.objects.using(using).filter(uid__in=[letter.uid for letter in part])
        replayed = replay_some(chosen, before=before, user_id=operator.user_id, using=using)
        for letter in part:
            if letter.uid in replayed:
                done.targets.append(letter)
            else:
                done.refuse(NOT_THERE, letter)
        announce_after_commit("work", list(set(replayed.values())), using=using)


OPERATIONS: Sequence[Operation[DeadLetter]] = (
    Operation(
        "replay",
        _("Replay"),
        "actorqueues.change_deadletter",
        ngettext_lazy("Replay this dead letter?", "Replay these %(count)d dead letters?", "count"),
        ngettext_lazy("Replayed %(count)d dead letter.", "Replayed %(count)d dead letters.", "count"),
        replay,
        warning=_("It goes to the end of its queue under its old id, and its attempts start again."),
    ),
)
