"""Replies as a worker would leave them."""

import json
import time
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from actorqueues.models import Message, Outcome
from actorqueues.wakeups import announce


def settle(message_id, reply=None, *, error=None, using, hint=True):
    """Removes the message and leaves its outcome; ``reply`` is plain JSON."""
    uid = UUID(hex=message_id)
    with transaction.atomic(using=using):
        message = Message.objects.using(using).get(uid=uid)
        now = timezone.now()
        Outcome.objects.using(using).create(
            uid=uid,
            actor_id=message.actor_id,
            queue=message.queue,
            status="completed" if error is None else "failed",
            reply=None if reply is None else json.dumps(reply),
            error=error,
            settled_at=now,
            expires_at=now + timedelta(minutes=10),
        )
        message.delete()
    if hint:
        announce("done", [uid], using=using)


def settle_next(reply=None, *, error=None, using, hint=True):
    """Settles the oldest message, once there is one."""
    deadline, message = time.monotonic() + 20, None
    while message is None:
        assert time.monotonic() < deadline, "nobody has sent anything"
        message = Message.objects.using(using).order_by("id").first()
    settle(message.uid.hex, reply, error=error, using=using, hint=hint)
