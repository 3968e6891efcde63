from uuid import UUID

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class HistoryKind(models.TextChoices):
    FAILED = "failed", _("attempt failed")
    CRASHED = "crashed", _("worker died")
    DEAD = "dead", _("dead letter")
    HELD = "held", _("held: its state does not load")
    PAUSED = "paused", _("paused")
    RESUMED = "resumed", _("resumed")
    RETRIED = "retried", _("retried now")
    WOKEN = "woken", _("woken")
    REPLAYED = "replayed", _("replayed")
    CANCELLED = "cancelled", _("cancelled")
    BURIED = "buried", _("put aside")
    PURGED = "purged", _("queue purged")
    EDITED = "edited", _("state edited")
    DESTROYED = "destroyed", _("destroyed")


class HistoryQuerySet(models.QuerySet["HistoryEntry"]):
    def of(self, actor_id: UUID) -> "HistoryQuerySet":
        """One actor's, the latest first."""
        return self.filter(actor_id=actor_id).order_by("-id")


class HistoryEntry(models.Model):
    """What a person wants to know of an actor's past: what went wrong, and who did what to it."""

    id = models.BigAutoField(primary_key=True)
    actor_id = models.UUIDField(_("actor"))
    kind = models.CharField(_("kind"), max_length=16, choices=HistoryKind)
    queue = models.CharField(_("queue"), max_length=64, blank=True, default="")
    message_uid = models.UUIDField(_("message"), null=True, blank=True)
    attempt = models.IntegerField(_("attempt"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True, default="")
    user_id = models.CharField(_("user"), max_length=255, null=True, blank=True)  # of an operator
    happened_at = models.DateTimeField(_("happened at"))

    objects = HistoryQuerySet.as_manager()

    class Meta:
        db_table = "actorqueues_history"
        verbose_name = _("history entry")
        verbose_name_plural = _("history")
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=HistoryKind.values), name="aq_history_kind")
        ]
        indexes = [
            models.Index(fields=["actor_id", "id"], name="aq_history_actor"),
            models.Index(fields=["happened_at"], name="aq_history_happened"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.happened_at:%Y-%m-%d %H:%M:%S}"
