from django.db import migrations

# A start, a return, a saved state change no index: with room on the page PostgreSQL updates them in place.
# The queue tables turn over their whole content all the time: vacuum early, and without pausing.
TABLES = {
    "actorqueues_actor": 50,
    "actorqueues_message": 50,
    "actorqueues_wake": None,
    "actorqueues_outcome": None,
    "actorqueues_journal": 50,
    "actorqueues_worker": 50,
}
VACUUM = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "0",
}


def tune(apps, schema_editor):
    if schema_editor.connection.vendor != "postgresql":
        return
    for table, fillfactor in TABLES.items():
        options = VACUUM if fillfactor is None else VACUUM | {"fillfactor": str(fillfactor)}
        given = ", ".join(f"{name} = {value}" for name, value in options.items())
        schema_editor.execute(f"ALTER TABLE {table} SET ({given})")


class Migration(migrations.Migration):
    dependencies = [("actorqueues", "0001_initial")]

    operations = [migrations.RunPython(tune, migrations.RunPython.noop)]
