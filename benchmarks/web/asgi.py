"""The deployment that is measured, and beside it ``/waiting``: how many messages this process waits for."""

from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

django_application = get_asgi_application()

from actorqueues.asgi import on_lanes  # noqa: E402
from actorqueues.client.hub import hub_of  # noqa: E402
from actorqueues.conf import settings  # noqa: E402
from actorqueues.consumers.routing import websocket_urlpatterns  # noqa: E402
from benchmarks.web.consumers import BareConsumer  # noqa: E402

on_our_lanes = on_lanes(django_application)


async def http(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] != "/waiting":
        await on_our_lanes(scope, receive, send)
        return
    number = str(hub_of(settings.DATABASE).waiting).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": number})


sockets = URLRouter([*websocket_urlpatterns, path("ws/bare/", BareConsumer.as_asgi())])

application = ProtocolTypeRouter({
    "http": http,
    "websocket": sockets,
})  # fmt: skip
