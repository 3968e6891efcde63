"""Settings of the tests: both databases at once; ``ACTORQUEUES["DATABASE"]`` says which one a test is about.

Worker processes that tests start are told through the environment which databases those are.
"""

import json
import os
from pathlib import Path

from demo_project.databases import postgresql, sqlite

BASE_DIR = Path(__file__).resolve().parent

SECRET_KEY = "tests"
ALLOWED_HOSTS = ["*"]

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "channels",
    "actorqueues",
    "tests.playground",
]

MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "tests.urls"
ASGI_APPLICATION = "tests.asgi.application"

POSTGRES_URL = os.environ.get("AQ_POSTGRES_URL") or "postgresql://postgres@localhost/postgres"

# In a pytest process these are only templates: tests/conftest.py gives the test databases their places.
DATABASES = {
    "default": sqlite(os.environ.get("AQ_TEST_SQLITE", BASE_DIR / "tests.sqlite3")),
    "postgresql": postgresql(POSTGRES_URL),
    # The same database through PgBouncer in transaction mode (tests/fixtures/pgbouncer.py).
    "pgbouncer": {
        **postgresql(os.environ.get("AQ_PGBOUNCER_URL") or POSTGRES_URL),
        "TEST": {"MIRROR": "postgresql"},
    },
}
DATABASE_ROUTERS = ["tests.router.CurrentDatabase"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

ACTORQUEUES = {
    "DATABASE": os.environ.get("AQ_TEST_DATABASE", "default"),
    **json.loads(os.environ.get("AQ_TEST_SETTINGS", "{}")),
}

REST_FRAMEWORK = json.loads(os.environ.get("AQ_TEST_REST_FRAMEWORK", "{}"))
CHANNEL_LAYERS = json.loads(os.environ.get("AQ_TEST_CHANNEL_LAYERS", "{}"))

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"actorqueues": {"level": "DEBUG"}},
}
