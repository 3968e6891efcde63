import os

from django.core.asgi import get_asgi_application

from actorqueues.asgi import on_lanes

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

application = on_lanes(get_asgi_application())
