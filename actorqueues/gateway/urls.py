"""``path("rivet/", include("actorqueues.gateway.urls"))``, for ``createClient({endpoint: ".../rivet"})``."""

from django.urls import re_path

from actorqueues.gateway.calling import ActionView
from actorqueues.gateway.directory import ActorsView, ActorView
from actorqueues.gateway.sending import QueueView
from actorqueues.gateway.views import MetadataView, NothingView

app_name = "actorqueues-gateway"

ACTOR = r"^gateway/(?P<actor>[^/@]+)(?:@(?P<token>.+))?"

urlpatterns = [
    re_path(r"^metadata/?$", MetadataView.as_view(), name="metadata"),
    re_path(rf"{ACTOR}/queue/(?P<queue>[^/]+)/?$", QueueView.as_view(), name="queue"),
    re_path(rf"{ACTOR}/action/(?P<action>[^/]+)/?$", ActionView.as_view(), name="action"),
    re_path(r"^actors/?$", ActorsView.as_view(), name="actors"),
    re_path(r"^actors/(?P<actor>[^/]+)/?$", ActorView.as_view(), name="actor"),
    re_path(r"", NothingView.as_view(), name="nothing"),
]
