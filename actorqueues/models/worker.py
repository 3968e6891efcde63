from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class WorkerQuerySet(models.QuerySet["Worker"]):
    def live(self, now: datetime) -> "WorkerQuerySet":
        return self.filter(expires_at__gt=now)

    def expired(self, now: datetime) -> "WorkerQuerySet":
        return self.filter(expires_at__lte=now)


class Worker(models.Model):
    """One start of a worker process: a fresh id each time, never the host's name."""

    id = models.UUIDField(_("id"), primary_key=True)
    host = models.CharField(_("host"), max_length=255)
    pid = models.IntegerField(_("process id"))
    version = models.CharField(_("version"), max_length=32)
    types = models.TextField(_("actor types"), default="")
    started_at = models.DateTimeField(_("started at"))
    renewed_at = models.DateTimeField(_("renewed at"))
    expires_at = models.DateTimeField(_("expires at"))
    busy = models.IntegerField(_("busy actors"), default=0)
    resident = models.IntegerField(_("resident actors"), default=0)

    objects = WorkerQuerySet.as_manager()

    class Meta:
        db_table = "actorqueues_worker"
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        indexes = [models.Index(fields=["expires_at"], name="aq_worker_expires")]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class Journal(models.Model):
    """How far a worker's journal has come: tells a retried batch that its first try had committed.

    Its own row, not the worker's: a reaper locks that one.
    """

    worker_id = models.UUIDField(_("worker"), primary_key=True)
    sequence = models.BigIntegerField(_("sequence"), default=0)
    exceptions = models.TextField(_("exceptions"), default="")  # JSON: what the last batch did not apply

    class Meta:
        db_table = "actorqueues_journal"
        verbose_name = _("journal")
        verbose_name_plural = _("journals")
