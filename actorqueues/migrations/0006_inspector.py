from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("actorqueues", "0005_outcome_user"),
    ]

    operations = [
        migrations.CreateModel(
            name="Overview",
            fields=[],
            options={
                "verbose_name": "overview",
                "verbose_name_plural": "Overview",
                "proxy": True,
                "default_permissions": ("view",),
                "indexes": [],
                "constraints": [],
            },
            bases=("actorqueues.statistic",),
        ),
        migrations.AlterModelOptions(
            name="message",
            options={
                "permissions": [
                    ("send_message", "Can send messages"),
                    ("view_payload", "Can see bodies, headers, state and events"),
                ],
                "verbose_name": "message",
                "verbose_name_plural": "messages",
            },
        ),
        migrations.RemoveConstraint(
            model_name="deadletter",
            name="aq_dead_reason",
        ),
        migrations.RemoveConstraint(
            model_name="historyentry",
            name="aq_history_kind",
        ),
        migrations.AddField(
            model_name="actorinstance",
            name="active_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="last active at"),
        ),
        migrations.AlterField(
            model_name="deadletter",
            name="reason",
            field=models.CharField(
                choices=[
                    ("rejected", "rejected by its handler"),
                    ("exhausted", "failed too often"),
                    ("crashed", "crashed its worker too often"),
                    ("invalid", "no longer fits its queue"),
                    ("expired", "expired before its first start"),
                    ("buried", "put aside by an operator"),
                ],
                max_length=16,
                verbose_name="reason",
            ),
        ),
        migrations.AlterField(
            model_name="historyentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("failed", "attempt failed"),
                    ("crashed", "worker died"),
                    ("dead", "dead letter"),
                    ("held", "held: its state does not load"),
                    ("paused", "paused"),
                    ("resumed", "resumed"),
                    ("replayed", "replayed"),
                    ("cancelled", "cancelled"),
                    ("buried", "put aside"),
                    ("purged", "queue purged"),
                    ("edited", "state edited"),
                    ("destroyed", "destroyed"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AddIndex(
            model_name="actorinstance",
            index=models.Index(
                condition=models.Q(("paused_at__isnull", False)),
                fields=["type", "key"],
                name="aq_actor_paused",
            ),
        ),
        migrations.AddIndex(
            model_name="actorinstance",
            index=models.Index(
                condition=models.Q(("status", "held")), fields=["type", "key"], name="aq_actor_held"
            ),
        ),
        migrations.AddConstraint(
            model_name="deadletter",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reason__in", ["rejected", "exhausted", "crashed", "invalid", "expired", "buried"])
                ),
                name="aq_dead_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="historyentry",
            constraint=models.CheckConstraint(
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
                            "buried",
                            "purged",
                            "edited",
                            "destroyed",
                        ],
                    )
                ),
                name="aq_history_kind",
            ),
        ),
    ]
