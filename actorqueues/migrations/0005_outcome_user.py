from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actorqueues", "0004_statistics_and_history")]

    operations = [
        migrations.AddField(
            model_name="outcome",
            name="user_id",
            field=models.CharField(blank=True, max_length=255, null=True, verbose_name="user"),
        ),
    ]
