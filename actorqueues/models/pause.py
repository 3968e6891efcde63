from django.db import models
from django.utils.translation import gettext_lazy as _


class Pause(models.Model):
    """A paused actor type (empty queue) or one queue of a type. A single actor's pause is on its own row."""

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(_("type"), max_length=64)
    queue = models.CharField(_("queue"), max_length=64, default="", blank=True)
    paused_at = models.DateTimeField(_("paused at"))

    class Meta:
        db_table = "actorqueues_pause"
        verbose_name = _("pause")
        verbose_name_plural = _("pauses")
        constraints = [models.UniqueConstraint(fields=["type", "queue"], name="aq_pause_type_queue")]
