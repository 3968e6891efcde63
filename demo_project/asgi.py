import os

from channels.routing import ProtocolTypeRouter
from django.core.asgi import get_asgi_application

from actorqueues.asgi import on_lanes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "demo_project.settings")

application = ProtocolTypeRouter({"http": on_lanes(get_asgi_application())})
