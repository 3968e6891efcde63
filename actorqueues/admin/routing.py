"""The route of the inspector's socket: put it into your ASGI application's ``URLRouter``."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from actorqueues.admin.sockets import InspectorConsumer

socket: Any = InspectorConsumer.as_asgi()  # Django's own routes lead to views, Channels' to applications

websocket_urlpatterns = [re_path(r"^ws/actorqueues/admin/?$", socket)]
