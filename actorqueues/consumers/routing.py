"""The routes of the WebSocket: put them into your ASGI application's ``URLRouter``."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from actorqueues.consumers.consumer import ActorConsumer

socket: Any = ActorConsumer.as_asgi()  # Django's own routes lead to views, Channels' to applications

websocket_urlpatterns = [re_path(r"^ws/actors/?$", socket)]
