"""One database a process, named by AQ_BENCHMARK_URL."""

import os

from demo_project.databases import from_url

SECRET_KEY = "benchmarks"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "actorqueues", "benchmarks"]
DATABASES = {"default": from_url(os.environ["AQ_BENCHMARK_URL"], default=os.devnull)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ACTORQUEUES = {"MAX_DEPTH": 1_000_000}
USE_TZ = True
TIME_ZONE = "UTC"
