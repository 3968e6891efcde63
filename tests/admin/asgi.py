import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
settings.MIDDLEWARE.append("django.middleware.locale.LocaleMiddleware")  # browsers say what they speak
settings.TIME_ZONE = os.environ.get("AQ_TIME_ZONE", settings.TIME_ZONE)
django_application = ASGIStaticFilesHandler(get_asgi_application())

from actorqueues.admin.routing import websocket_urlpatterns  # noqa: E402
from tests.admin.policy import under_policy  # noqa: E402
from tests.consumers import actors  # noqa: E402, F401  its actors are registered

protocols = {
    "http": django_application if os.environ.get("AQ_NO_POLICY") else under_policy(django_application)
}
if not os.environ.get("AQ_NO_SOCKET"):  # a project that has not added the route
    protocols["websocket"] = URLRouter(websocket_urlpatterns)
application = ProtocolTypeRouter(protocols)
