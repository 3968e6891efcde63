from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class OutcomeStatus(models.TextChoices):
    COMPLETED = "completed", _("completed")
    FAILED = "failed", _("failed")


class Outcome(models.Model):
    """What became of a message whose sender may ask: its reply or its error, for a while."""

    uid = models.UUIDField(_("message"), primary_key=True)
    actor_id = models.UUIDField(_("actor"))
    queue = models.CharField(_("queue"), max_length=64)
    status = models.CharField(_("status"), max_length=16, choices=OutcomeStatus)
    reply = models.TextField(_("reply"), null=True, blank=True)
    error = models.TextField(_("error"), null=True, blank=True)
    user_id = models.CharField(_("user"), max_length=255, null=True, blank=True)  # of its sender
    settled_at = models.DateTimeField(_("settled at"))
    expires_at = models.DateTimeField(_("kept until"))

    class Meta:
        db_table = "actorqueues_outcome"
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=OutcomeStatus.values), name="aq_outcome_status")
        ]
        indexes = [models.Index(fields=["expires_at"], name="aq_outcome_expires")]
