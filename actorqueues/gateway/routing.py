"""``path("rivet/", URLRouter(websocket_urlpatterns))`` in your ASGI application's ``URLRouter``."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from actorqueues.gateway.consumer import GatewayConsumer
from actorqueues.gateway.urls import ACTOR

socket: Any = GatewayConsumer.as_asgi()  # Django's own routes lead to views, Channels' to applications

websocket_urlpatterns = [re_path(rf"{ACTOR}/connect/?$", socket)]
