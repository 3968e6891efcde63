"""The databases of one process: the one that is measured, and its twin that holds a lot. And a small web project."""

import os
from typing import Any

from demo_project.databases import from_url


def database(address: str) -> dict[str, Any]:
    description = from_url(address, default=os.devnull)
    if synchronous := os.environ.get("AQ_BENCHMARK_SYNCHRONOUS"):
        init_command = f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};"
        description["OPTIONS"]["init_command"] = init_command
    return description | {"CONN_MAX_AGE": 60}


SECRET_KEY = "benchmarks"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "rest_framework.authtoken",
    "actorqueues",
    "benchmarks",
]
DEFAULT_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = [] if os.environ.get("AQ_BENCHMARK_MIDDLEWARE") == "none" else DEFAULT_MIDDLEWARE
ROOT_URLCONF = "benchmarks.web.urls"
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
STATIC_URL = "static/"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
DATABASES = {
    "default": database(os.environ["AQ_BENCHMARK_URL"]),
    "deep": database(os.environ["AQ_BENCHMARK_DEEP_URL"]),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ACTORQUEUES = {"DATABASE": os.environ.get("AQ_BENCHMARK_ALIAS", "default"), "MAX_DEPTH": None}
USE_TZ = True
TIME_ZONE = "UTC"
