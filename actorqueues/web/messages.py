"""What is known of a message, for whoever has its id and may see it."""

from __future__ import annotations

from uuid import UUID

from actorqueues.access import Access
from actorqueues.access.permission import may_see
from actorqueues.client.targets import Target
from actorqueues.client.waiting import find_message
from actorqueues.storage.outcomes import MessageStatus, StoredOutcome

Found = StoredOutcome | MessageStatus


def look_for(target: Target, uid: UUID, access: Access) -> Found | None:
    """Its outcome, or where it stands; None where there is neither, or where it is another actor's or user's."""
    found = find_message(target, uid)
    return found if found is not None and may_see(access, found.user_id) else None
