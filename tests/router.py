from django.conf import settings


class CurrentDatabase:
    """Every model lives where the actors live, so that one test body runs on every database."""

    def db_for_read(self, model, **hints):
        return settings.ACTORQUEUES["DATABASE"]

    db_for_write = db_for_read

    def allow_relation(self, *objects, **hints):
        return True

    def allow_migrate(self, db, app_label, **hints):
        return True
