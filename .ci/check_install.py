"""An installed actorqueues, away from its sources: imports it and runs its migrations in a project of three lines."""

import sys

import django
from django.conf import settings
from django.core.management import call_command

import actorqueues

if "site-packages" not in actorqueues.__file__:
    sys.exit(f"imported from {actorqueues.__file__}, which is not an installed package")

settings.configure(
    SECRET_KEY="check",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework",
        "channels",
        "actorqueues",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "check.sqlite3",
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
        }
    },
)
django.setup()
for name in actorqueues.__all__:
    getattr(actorqueues, name)
call_command("check", fail_level="WARNING")
call_command("migrate", verbosity=0)
call_command("runactors", drain=True)
print(f"actorqueues {len(actorqueues.__all__)} names, migrated and drained with Django {django.__version__}")
