from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """A broadcast or a message's progress. Numbered by the lease holder, without gaps for one actor.

    A row without a number is a transient event on its way to whoever listens now; it lives for seconds.
    """

    id = models.BigAutoField(primary_key=True)
    actor_id = models.UUIDField(_("actor"))
    generation = models.IntegerField(_("generation"), default=1)
    number = models.BigIntegerField(_("number"), null=True, blank=True)
    name = models.CharField(_("name"), max_length=64)
    data = models.TextField(_("data"))
    message_uid = models.UUIDField(_("message"), null=True, blank=True)
    user_id = models.CharField(_("to user"), max_length=255, null=True, blank=True)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        db_table = "actorqueues_event"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        constraints = [
            models.UniqueConstraint(
                fields=["actor_id", "number"], name="aq_event_number", condition=Q(number__isnull=False)
            )
        ]
        indexes = [
            models.Index(fields=["actor_id", "id"], name="aq_event_actor"),
            models.Index(fields=["created_at"], name="aq_event_created"),
        ]
