"""Django signals of a message's life.

Every one is sent with ``sender=`` the actor class and these keyword arguments, all of them simple values:

``actor_type`` (str), ``key`` (tuple of str), ``queue`` (str, the wire name), ``message_id`` (str).

Receivers run after the commit they tell of, in the process that made it; in a worker that is in another thread
than the handler's. A receiver that raises is logged and changes nothing. They are for logs and counters: after a
crash the last ones may be missing. What an operator does by hand is told by none of them.
"""

from django.dispatch import Signal

message_sent = Signal()
"""A message was stored. Also: ``deduplicated`` (bool, always False), ``user_id`` (str or None)."""

message_started = Signal()
"""An attempt began. Also: ``attempt`` (int, from 1)."""

message_settled = Signal()
"""A message is done. Also: ``attempt`` (int), ``duration_seconds`` (float) of this attempt."""

message_failed = Signal()
"""An attempt failed and will be repeated.

Also: ``attempt`` (int), ``error`` (str), ``retry_delay_seconds`` (float).
"""

message_dead = Signal()
"""A message went to the dead letters.

Also: ``attempt`` (int), ``reason`` (str: rejected, exhausted, crashed, invalid or expired), ``error`` (str
or None).
"""
