"""``python -m tests.api.print_openapi``: the document as a project's settings make it, on one line."""

import json

import django

django.setup()

from tests.api.test_openapi import document  # noqa: E402

print(json.dumps(document(), default=str))
