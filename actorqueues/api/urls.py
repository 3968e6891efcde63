"""``path("api/actors/", include("actorqueues.api.urls"))``. Every address also works without its last slash."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, register_converter

from actorqueues.api.actions import ActionView
from actorqueues.api.actors import OneActorView
from actorqueues.api.addressing import APP_NAME
from actorqueues.api.inspector import (
    InspectorQueueView,
    InspectorStateView,
    InspectorSummaryView,
    InspectorWorkflowHistoryView,
)
from actorqueues.api.lists import ActorsView, TypesView
from actorqueues.api.messages import MessageView
from actorqueues.api.nowhere import NowhereView
from actorqueues.api.sending import QueueOfActorView

app_name = APP_NAME


class Segment:
    """Any text between two slashes: what it may be is for the view to say, in the wire's form."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class Rest(Segment):
    regex = r"[\s\S]+"


register_converter(Segment, "actorqueues_segment")
register_converter(Rest, "actorqueues_rest")


def routes(route: str, view: type[Any], name: str) -> list[URLPattern]:
    """``<type>`` in ``route`` is a whole segment."""
    converted = route.replace("<", "<actorqueues_segment:")
    answer = view.as_view()
    return [path(f"{converted}/", answer, name=name), path(converted, answer)]


urlpatterns = [
    path("", TypesView.as_view(), name="types"),
    *routes("<type>", ActorsView, "actors"),
    *routes("<type>/<key>", OneActorView, "actor"),
    *routes("<type>/<key>/actions/<action>", ActionView, "action"),
    *routes("<type>/<key>/inspector/summary", InspectorSummaryView, "inspector-summary"),
    *routes("<type>/<key>/inspector/queue", InspectorQueueView, "inspector-queue"),
    *routes("<type>/<key>/inspector/state", InspectorStateView, "inspector-state"),
    *routes(
        "<type>/<key>/inspector/workflow-history", InspectorWorkflowHistoryView, "inspector-workflow-history"
    ),
    *routes("<type>/<key>/queue/<queue>", QueueOfActorView, "queue"),
    *routes("<type>/<key>/messages/<id>", MessageView, "message"),
    path("<actorqueues_rest:rest>", NowhereView.as_view()),
]
