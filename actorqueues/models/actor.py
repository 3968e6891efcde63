from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ActorStatus(models.TextChoices):
    LIVE = "live", _("live")
    DESTROYING = "destroying", _("being destroyed")  # marked; the next owner runs on_destroy
    DESTROYED = "destroyed", _("destroyed")  # a tombstone: it keeps the epoch and the generation growing
    HELD = "held", _("held")  # its stored state does not load with this code; a person must look


class ActorQuerySet(models.QuerySet["ActorInstance"]):
    def awake(self) -> "ActorQuerySet":
        return self.filter(worker_id__isnull=False)

    def due(self, now: datetime) -> "ActorQuerySet":
        waiting = self.filter(wake_at__isnull=False, wake_at__lte=now, paused_at__isnull=True)
        return waiting.exclude(status=ActorStatus.HELD)

    def present(self) -> "ActorQuerySet":
        """Actors that exist for their users: neither a tombstone nor marked to become one."""
        return self.exclude(status__in=(ActorStatus.DESTROYED, ActorStatus.DESTROYING))


class ActorInstance(models.Model):
    """One actor. Its row is made by the first claim (or by ``create``), so that a send contends with nobody."""

    id = models.UUIDField(_("id"), primary_key=True)  # derived from type and key: a send needs no look-up
    type = models.CharField(_("type"), max_length=64)
    key = models.CharField(_("key"), max_length=2100)  # 1,024 bytes, every one of them escaped at worst
    generation = models.IntegerField(_("generation"), default=1)
    status = models.CharField(_("status"), max_length=16, choices=ActorStatus, default=ActorStatus.LIVE)
    epoch = models.BigIntegerField(_("epoch"), default=0)  # only grows, also through destroy
    worker_id = models.UUIDField(_("worker"), null=True, blank=True)
    careful = models.BooleanField(_("careful"), default=False)  # its last lease was not released cleanly
    wake_at = models.DateTimeField(_("wakes at"), null=True, blank=True)  # written by claimer and holder only
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    active_at = models.DateTimeField(_("last active at"), null=True, blank=True)  # the end of its last lease
    created_at = models.DateTimeField(_("created at"))
    initialised_at = models.DateTimeField(_("initialised at"), null=True, blank=True)  # on_create committed
    destroyed_at = models.DateTimeField(_("destroyed at"), null=True, blank=True)  # of a tombstone
    input = models.TextField(_("input"), null=True, blank=True)
    state = models.TextField(_("state"), null=True, blank=True)
    event_number = models.BigIntegerField(_("last event number"), default=0)
    held_reason = models.TextField(_("held because"), blank=True, default="")

    objects = ActorQuerySet.as_manager()

    class Meta:
        db_table = "actorqueues_actor"
        verbose_name = _("actor")
        verbose_name_plural = _("actors")
        constraints = [
            models.UniqueConstraint(fields=["type", "key"], name="aq_actor_type_key"),
            models.CheckConstraint(condition=Q(status__in=ActorStatus.values), name="aq_actor_status"),
        ]
        indexes = [
            # Claims walk it from the oldest due time. wake_at is null while somebody holds the actor.
            models.Index(
                fields=["type", "wake_at"],
                name="aq_actor_wake",
                condition=Q(wake_at__isnull=False, paused_at__isnull=True),
            ),
            models.Index(fields=["worker_id"], name="aq_actor_worker", condition=Q(worker_id__isnull=False)),
            # Retention walks it from the oldest tombstone.
            models.Index(
                fields=["destroyed_at"], name="aq_actor_destroyed", condition=Q(destroyed_at__isnull=False)
            ),
            # For people who look for them, in the order of a list. Neither changes with a message or a lease.
            models.Index(
                fields=["type", "key"], name="aq_actor_paused", condition=Q(paused_at__isnull=False)
            ),
            models.Index(fields=["type", "key"], name="aq_actor_held", condition=Q(status="held")),
        ]

    def __str__(self) -> str:
        return f"{self.type}/{self.key}"
