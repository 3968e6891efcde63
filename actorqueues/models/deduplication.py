from django.db import models
from django.utils.translation import gettext_lazy as _


class Deduplication(models.Model):
    """A dedupe or idempotency key in use. It outlives the message: settle, dead letter and destroy."""

    id = models.UUIDField(primary_key=True)  # hash of actor, queue, kind and key
    message_uid = models.UUIDField(_("message"))
    fingerprint = models.CharField(_("fingerprint of the body"), max_length=64, default="")
    expires_at = models.DateTimeField(_("expires at"))

    class Meta:
        db_table = "actorqueues_deduplication"
        verbose_name = _("dedupe key")
        verbose_name_plural = _("dedupe keys")
        indexes = [models.Index(fields=["expires_at"], name="aq_dedupe_expires")]
