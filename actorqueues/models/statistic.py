from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

MINUTE, HOUR = 60, 3600
# Seconds from sending to settlement, the upper end of each class; what took longer is in one more class.
LATENCY_BOUNDS = (
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5,
    1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0,
)  # fmt: skip


class StatisticQuerySet(models.QuerySet["Statistic"]):
    def minutely(self) -> "StatisticQuerySet":
        return self.filter(seconds=MINUTE)

    def recent(self, since: datetime) -> "StatisticQuerySet":
        return self.filter(
            seconds__in=(MINUTE, HOUR), began_at__gte=since
        )  # both: the index begins with them

    def old(self, until: datetime) -> "StatisticQuerySet":
        return self.filter(seconds__in=(MINUTE, HOUR), began_at__lte=until)


class Statistic(models.Model):
    """What happened in one queue of all actors of a type: in a minute in one worker, or in an hour in all.

    Rows are only ever added, and read as sums: of one queue and time there may be several.
    """

    id = models.BigAutoField(primary_key=True)
    worker_id = models.UUIDField(_("worker"), null=True, blank=True)  # null once rolled up
    type = models.CharField(_("type"), max_length=64)
    queue = models.CharField(_("queue"), max_length=64)
    seconds = models.IntegerField(_("covers seconds"), default=MINUTE)
    began_at = models.DateTimeField(_("began at"))
    sent = models.IntegerField(_("sent"), default=0)  # their first attempt has ended
    settled = models.IntegerField(_("settled"), default=0)
    failed = models.IntegerField(_("failed attempts"), default=0)
    dead = models.IntegerField(_("dead letters"), default=0)
    latencies = models.TextField(_("latencies"), default="[]")  # JSON: settled messages by LATENCY_BOUNDS

    objects = StatisticQuerySet.as_manager()

    class Meta:
        db_table = "actorqueues_statistic"
        verbose_name = _("statistic")
        verbose_name_plural = _("statistics")
        indexes = [models.Index(fields=["seconds", "began_at"], name="aq_statistic_began")]

    def __str__(self) -> str:
        return f"{self.type} {self.queue} {self.began_at:%Y-%m-%d %H:%M}"


class Overview(Statistic):
    """What the admin hangs its overview page on: a name in its index, and a permission to see it."""

    class Meta:
        proxy = True
        verbose_name = _("overview")
        verbose_name_plural = _("Overview")
        default_permissions = ("view",)
