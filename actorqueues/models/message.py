from django.db import models
from django.utils.translation import gettext_lazy as _

from actorqueues.models.actor import ActorInstance


class MessageQuerySet(models.QuerySet["Message"]):
    def scheduled(self) -> "MessageQuerySet":
        return self.filter(scheduled_at__isnull=False)

    def queued(self) -> "MessageQuerySet":
        """In the mailbox: ready, in flight or waiting for a retry."""
        return self.filter(scheduled_at__isnull=True)

    def in_flight(self) -> "MessageQuerySet":
        return self.filter(started_at__isnull=False)

    def retrying(self) -> "MessageQuerySet":
        return self.filter(retry_at__isnull=False, started_at__isnull=True)


class Message(models.Model):
    """A stored message. It goes when it is settled; its primary key is its sequence number.

    Nothing that changes with a delivery (start, attempts, retry time) is in an index: PostgreSQL then
    updates the row in place (HOT).
    """

    id = models.BigAutoField(_("sequence"), primary_key=True)
    uid = models.UUIDField(_("id"), unique=True)
    # No database constraint: a key-share lock by every sender would block the fence, and the row may not exist yet.
    actor = models.ForeignKey(
        ActorInstance,
        models.DO_NOTHING,
        verbose_name=_("actor"),
        db_constraint=False,
        db_index=False,
        related_name="messages",
    )
    queue = models.CharField(_("queue"), max_length=64)
    body = models.TextField(_("body"), null=True, blank=True)
    user_id = models.CharField(_("user"), max_length=255, null=True, blank=True)
    meta = models.TextField(_("meta"), null=True, blank=True)  # JSON: headers, params, chain, keys
    keeps_outcome = models.BooleanField(_("keeps its outcome"), default=False)
    enqueued_at = models.DateTimeField(_("enqueued at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    scheduled_at = models.DateTimeField(_("scheduled at"), null=True, blank=True)
    started_at = models.DateTimeField(_("in flight since"), null=True, blank=True)
    retry_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    failures = models.IntegerField(_("failures"), default=0)
    crashes = models.IntegerField(_("crashes"), default=0)
    error = models.TextField(_("last error"), null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        db_table = "actorqueues_message"
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        permissions = [
            ("send_message", "Can send messages"),
            ("view_payload", "Can see bodies, headers, state and events"),
        ]
        indexes = [
            models.Index(
                fields=["actor", "queue", "id"],
                name="aq_message_mailbox",
                condition=models.Q(scheduled_at__isnull=True),
            ),
            models.Index(
                fields=["actor", "scheduled_at"],
                name="aq_message_scheduled",
                condition=models.Q(scheduled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.uid.hex}"

    @property
    def attempt(self) -> int:
        return 1 + self.failures + self.crashes
