import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.urls import path

from actorqueues.asgi import on_lanes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")
django_application = ASGIStaticFilesHandler(get_asgi_application())  # a real project's proxy serves these

from actorqueues.admin.routing import websocket_urlpatterns as admin_urlpatterns  # noqa: E402  needs the apps
from actorqueues.consumers.routing import websocket_urlpatterns  # noqa: E402
from demo_project.urls import HAS_RIVET  # noqa: E402

sockets = [*websocket_urlpatterns, *admin_urlpatterns]
if HAS_RIVET:
    from actorqueues.gateway.routing import websocket_urlpatterns as rivet_urlpatterns

    sockets.append(path("rivet/", URLRouter(rivet_urlpatterns)))

application = ProtocolTypeRouter({
    "http": on_lanes(django_application),
    "websocket": URLRouter(sockets),
})  # fmt: skip
