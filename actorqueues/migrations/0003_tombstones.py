from django.db import migrations, models
from django.utils import timezone


def date_tombstones(apps, schema_editor):
    """Those that are there already are kept as long as if they had been destroyed now."""
    actors = apps.get_model("actorqueues", "ActorInstance").objects.using(schema_editor.connection.alias)
    actors.filter(status="destroyed").update(destroyed_at=timezone.now())


class Migration(migrations.Migration):
    dependencies = [("actorqueues", "0002_postgresql_storage")]

    operations = [
        migrations.AddField(
            model_name="actorinstance",
            name="destroyed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="destroyed at"),
        ),
        migrations.RunPython(date_tombstones, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="actorinstance",
            index=models.Index(
                condition=models.Q(("destroyed_at__isnull", False)),
                fields=["destroyed_at"],
                name="aq_actor_destroyed",
            ),
        ),
    ]
