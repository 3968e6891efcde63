from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from actorqueues.models.actor import ActorInstance


class DeathReason(models.TextChoices):
    REJECTED = "rejected", _("rejected by its handler")
    EXHAUSTED = "exhausted", _("failed too often")
    CRASHED = "crashed", _("crashed its worker too often")
    INVALID = "invalid", _("no longer fits its queue")
    EXPIRED = "expired", _("expired before its first start")
    BURIED = "buried", _("put aside by an operator")


class DeadLetter(models.Model):
    """A message that will not be tried again by itself, kept with its error for a replay."""

    uid = models.UUIDField(_("id"), primary_key=True)
    actor = models.ForeignKey(
        ActorInstance,
        models.DO_NOTHING,
        verbose_name=_("actor"),
        db_constraint=False,
        related_name="dead_letters",
    )
    sequence = models.BigIntegerField(_("sequence"))
    queue = models.CharField(_("queue"), max_length=64)
    body = models.TextField(_("body"), null=True, blank=True)
    user_id = models.CharField(_("user"), max_length=255, null=True, blank=True)
    meta = models.TextField(_("meta"), null=True, blank=True)
    keeps_outcome = models.BooleanField(_("keeps its outcome"), default=False)
    enqueued_at = models.DateTimeField(_("enqueued at"))
    failures = models.IntegerField(_("failures"), default=0)
    crashes = models.IntegerField(_("crashes"), default=0)
    reason = models.CharField(_("reason"), max_length=16, choices=DeathReason)
    error = models.TextField(_("error"), null=True, blank=True)
    died_at = models.DateTimeField(_("died at"))

    class Meta:
        db_table = "actorqueues_dead_letter"
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        constraints = [
            models.CheckConstraint(condition=Q(reason__in=DeathReason.values), name="aq_dead_reason")
        ]
        indexes = [models.Index(fields=["died_at"], name="aq_dead_died")]

    def __str__(self) -> str:
        return f"{self.queue} {self.uid.hex}"
