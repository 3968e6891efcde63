"""What is known of a message, for whoever has its id."""

from __future__ import annotations

from uuid import UUID

from actorqueues.client.targets import Target
from actorqueues.storage.outcomes import MessageStatus, StoredOutcome, message_status, read_outcomes

Found = StoredOutcome | MessageStatus


def look_for(target: Target, uid: UUID) -> Found | None:
    """Its outcome, or where it stands; None where there is neither, or where it is another actor's."""
    for _ in range(2):  # settled between the two looks: then it is there on the second round
        found: Found | None = read_outcomes([uid], using=target.using).get(uid)
        found = found or message_status(uid, using=target.using)
        if found is not None:
            return found if found.actor_id == target.actor_id else None
    return None
