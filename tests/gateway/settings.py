"""A project whose actors Rivet's client reaches: for the server and the worker that these tests start."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.gateway"]
ROOT_URLCONF = "tests.gateway.urls"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tests.gateway.authentication.BearerIsName",
        "rest_framework.authentication.SessionAuthentication",
    ],
}
