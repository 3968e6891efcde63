import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django_application = get_asgi_application()

from actorqueues.consumers.routing import websocket_urlpatterns  # noqa: E402
from tests.consumers.dashboard import Dashboard  # noqa: E402

routes = URLRouter([*websocket_urlpatterns, path("ws/dashboard/", Dashboard.as_asgi())])
application = ProtocolTypeRouter({
    "http": django_application,
    "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(routes)),
})  # fmt: skip
