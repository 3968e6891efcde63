import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
settings.MIDDLEWARE.append("django.middleware.locale.LocaleMiddleware")  # browsers say what they speak
settings.TIME_ZONE = os.environ.get("AQ_TIME_ZONE", settings.TIME_ZONE)
django_application = ASGIStaticFilesHandler(get_asgi_application())

from actorqueues.admin.routing import websocket_urlpatterns  # noqa: E402
from tests.consumers import actors  # noqa: E402, F401  its actors are registered

# The pages need no script, style or picture but the server's own files.
POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


async def under_policy(scope, receive, send):
    """Every answer comes with a strict Content-Security-Policy."""

    async def send_with_policy(message):
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), (b"content-security-policy", POLICY)]
            message = {**message, "headers": headers}
        await send(message)

    await django_application(scope, receive, send_with_policy)


protocols = {"http": django_application if os.environ.get("AQ_NO_POLICY") else under_policy}
if not os.environ.get("AQ_NO_SOCKET"):  # a project that has not added the route
    protocols["websocket"] = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
application = ProtocolTypeRouter(protocols)
