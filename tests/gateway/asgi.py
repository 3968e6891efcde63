import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import path

from actorqueues.asgi import on_lanes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.gateway.settings")
django_application = on_lanes(get_asgi_application())

from actorqueues.gateway.routing import websocket_urlpatterns  # noqa: E402

routes = URLRouter([path("rivet/", URLRouter(websocket_urlpatterns))])
application = ProtocolTypeRouter({"http": django_application, "websocket": routes})
