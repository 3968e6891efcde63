from django.db import models
from django.utils.translation import gettext_lazy as _


class Wake(models.Model):
    """ "Look at this actor." Every send appends one; only claimers and holders delete them.

    It carries type and key because the actor's row may not exist yet.
    """

    id = models.BigAutoField(primary_key=True)
    type = models.CharField(_("type"), max_length=64)
    actor_id = models.UUIDField(_("actor"))
    key = models.CharField(_("key"), max_length=2100)

    class Meta:
        db_table = "actorqueues_wake"
        verbose_name = _("wake")
        verbose_name_plural = _("wakes")
        # Type first: what this worker has no code for costs its scans nothing.
        indexes = [models.Index(fields=["type", "actor_id"], name="aq_wake_actor")]
