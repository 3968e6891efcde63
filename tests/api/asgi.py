"""Django on lanes, and beside it ``/waiting``: how many messages this process waits for."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

django_application = get_asgi_application()

from actorqueues.asgi import on_lanes  # noqa: E402
from actorqueues.client.hub import hub_of  # noqa: E402
from actorqueues.conf import settings  # noqa: E402

on_four_lanes = on_lanes(django_application, lanes=4)


async def application(scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/waiting":
        await on_four_lanes(scope, receive, send)
        return
    number = str(hub_of(settings.DATABASE).waiting).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": number})
