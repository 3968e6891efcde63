from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("actorqueues", "0006_inspector"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="historyentry",
            name="aq_history_kind",
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
                    ("retried", "retried now"),
                    ("woken", "woken"),
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
                            "retried",
                            "woken",
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
