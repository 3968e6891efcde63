from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_action
from actorqueues.client import actions
from actorqueues.client.targets import Target
from actorqueues.definitions.action import Action
from actorqueues.gateway.addresses import addressed
from actorqueues.gateway.requests import read_object
from actorqueues.gateway.tags import encode
from actorqueues.gateway.views import GatewayView
from actorqueues.web.arguments import checked_arguments
from actorqueues.web.bodies import RequestInvalid
from actorqueues.web.outputs import making_json, shallow
from actorqueues.web.views import Later


class ActionView(GatewayView):
    """``POST gateway/{type or id}/action/{name}``. An actor that is not there yet is not made by it."""

    def post(
        self, request: Request, actor: str, action: str, token: str | None = None, **prefix: str
    ) -> Response | Later:
        target = addressed(actor, request.query_params)
        self.check_actor_permissions(target.actor_class)
        found = exposed_action(target.actor_class, action)
        self.admit(target, "call", found.name)
        arguments = read_arguments(found, read_object(request))
        if found.is_async:
            return Later(partial(call_on_loop, target, found, arguments))
        return answer_with(found, actions.call(target, found, *arguments))


def read_arguments(action: Action[..., Any], given: dict[str, Any]) -> Sequence[Any]:
    """Raises ``RequestInvalid``."""
    arguments = given.get("args", [])
    if given.keys() - {"args"} or not isinstance(arguments, list):
        raise RequestInvalid('An action takes {"args": […]}.')
    return checked_arguments(action, arguments, {})[0]


async def call_on_loop(target: Target, action: Action[..., Any], arguments: Sequence[Any]) -> Response:
    return answer_with(action, await actions.acall(target, action, *arguments))


def answer_with(action: Action[..., Any], output: Any) -> Response:
    with making_json(action):
        return Response({"output": shallow(encode(output))})
