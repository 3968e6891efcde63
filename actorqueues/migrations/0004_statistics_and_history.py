from django.db import migrations, models

# Old rows go all the time, and nothing is changed in place.
TABLES = ("actorqueues_statistic", "actorqueues_history")
VACUUM = "autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05"


def tune(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for table in TABLES:
            schema_editor.execute(f"ALTER TABLE {table} SET ({VACUUM})")


class Migration(migrations.Migration):
    dependencies = [
        ("actorqueues", "0003_tombstones"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistoryEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("actor_id", models.UUIDField(verbose_name="actor")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("failed", "attempt failed"),
                            ("crashed", "worker died"),
                            ("dead", "dead letter"),
                            ("held", "held: its state does not load"),
                            ("paused", "paused"),
                            ("resumed", "resumed"),
                            ("replayed", "replayed"),
                            ("cancelled", "cancelled"),
                            ("edited", "state edited"),
                            ("destroyed", "destroyed"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("queue", models.CharField(blank=True, default="", max_length=64, verbose_name="queue")),
                ("message_uid", models.UUIDField(blank=True, null=True, verbose_name="message")),
                ("attempt", models.IntegerField(blank=True, null=True, verbose_name="attempt")),
                ("note", models.TextField(blank=True, default="", verbose_name="note")),
                ("user_id", models.CharField(blank=True, max_length=255, null=True, verbose_name="user")),
                ("happened_at", models.DateTimeField(verbose_name="happened at")),
            ],
            options={
                "verbose_name": "history entry",
                "verbose_name_plural": "history",
                "db_table": "actorqueues_history",
                "indexes": [
                    models.Index(fields=["actor_id", "id"], name="aq_history_actor"),
                    models.Index(fields=["happened_at"], name="aq_history_happened"),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "failed",
                                    "crashed",
                                    "dead",
                                    "held",
                                    "paused",
                                    "resumed",
                                    "replayed",
                                    "cancelled",
                                    "edited",
                                    "destroyed",
                                ],
                            )
                        ),
                        name="aq_history_kind",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Statistic",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("worker_id", models.UUIDField(blank=True, null=True, verbose_name="worker")),
                ("type", models.CharField(max_length=64, verbose_name="type")),
                ("queue", models.CharField(max_length=64, verbose_name="queue")),
                ("seconds", models.IntegerField(default=60, verbose_name="covers seconds")),
                ("began_at", models.DateTimeField(verbose_name="began at")),
                ("sent", models.IntegerField(default=0, verbose_name="sent")),
                ("settled", models.IntegerField(default=0, verbose_name="settled")),
                ("failed", models.IntegerField(default=0, verbose_name="failed attempts")),
                ("dead", models.IntegerField(default=0, verbose_name="dead letters")),
                ("latencies", models.TextField(default="[]", verbose_name="latencies")),
            ],
            options={
                "verbose_name": "statistic",
                "verbose_name_plural": "statistics",
                "db_table": "actorqueues_statistic",
                "indexes": [models.Index(fields=["seconds", "began_at"], name="aq_statistic_began")],
            },
        ),
        migrations.RunPython(tune, migrations.RunPython.noop),
    ]
