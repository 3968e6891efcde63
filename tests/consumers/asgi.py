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

dashboard = path("ws/dashboard/", AuthMiddlewareStack(Dashboard.as_asgi()))
sockets = URLRouter([*websocket_urlpatterns, dashboard])
if os.environ.get("AQ_CHANNELS_AUTH"):  # a project that has them for consumers of its own
    sockets = AllowedHostsOriginValidator(AuthMiddlewareStack(sockets))
application = ProtocolTypeRouter({"http": django_application, "websocket": sockets})
