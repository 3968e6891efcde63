"""What is known of a message, for whoever has its id and may see it."""

from __future__ import annotations

from uuid import UUID

from actorqueues.access import Access
from actorqueues.access.permission import may_see
from actorqueues.client.targets import Target
from actorqueues.storage.outcomes import MessageStatus, StoredOutcome, message_status, read_outcomes

Found = StoredOutcome | MessageStatus


def look_for(target: Target, uid: UUID, access: Access) -> Found | None:
    """Its outcome, or where it stands; None where there is neither, or where it is another actor's or user's."""
    for _ in range(2):  # settled between the two looks: then it is there on the second round
        found: Found | None = read_outcomes([uid], using=target.using).get(uid)
        found = found or message_status(uid, using=target.using)
        if found is not None:
            theirs = found.actor_id == target.actor_id and may_see(access, found.user_id)
            return found if theirs else None
    return None
