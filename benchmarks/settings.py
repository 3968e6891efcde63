"""The databases of one process: the one that is measured, and its twin that holds a lot."""

import os
from typing import Any

from demo_project.databases import from_url


def database(address: str) -> dict[str, Any]:
    description = from_url(address, default=os.devnull)
    if synchronous := os.environ.get("AQ_BENCHMARK_SYNCHRONOUS"):
        init_command = f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};"
        description["OPTIONS"]["init_command"] = init_command
    return description


SECRET_KEY = "benchmarks"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "actorqueues", "benchmarks"]
DATABASES = {
    "default": database(os.environ["AQ_BENCHMARK_URL"]),
    "deep": database(os.environ["AQ_BENCHMARK_DEEP_URL"]),
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ACTORQUEUES = {"DATABASE": os.environ.get("AQ_BENCHMARK_ALIAS", "default"), "MAX_DEPTH": None}
USE_TZ = True
TIME_ZONE = "UTC"
