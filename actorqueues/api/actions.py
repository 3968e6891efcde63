from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response

from actorqueues.access import exposed_action, exposed_actor
from actorqueues.api.addressing import ActorView
from actorqueues.api.browsing import example_call
from actorqueues.api.envelope import validated
from actorqueues.client.actions import acall, call
from actorqueues.definitions.action import Action
from actorqueues.web.arguments import checked_arguments
from actorqueues.web.bodies import RequestInvalid, read_object
from actorqueues.web.outputs import plain_output
from actorqueues.web.views import Later

BY_PLACE = "args"  # in a query


class Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    args: list[Any] = []
    kwargs: dict[str, Any] = {}


class ActionView(ActorView):
    """``POST {type}/{key}/actions/{action}/``, and ``GET`` for what is ``safe``: ``{"output": …}``"""

    name = "Action"
    description = (
        "What the actor tells of its last committed state. A safe one takes arguments from the query too."
    )

    def get(self, request: Request, **parts: str) -> Response | Later:
        """Arguments by name, in the query; ``args`` (perhaps several) by place."""
        action = self.allowed_action(parts["action"])
        if not action.safe:
            raise MethodNotAllowed("GET", f'Action "{action.name}" is not safe=True: POST it.')
        query, reserved = request.query_params, (BY_PLACE, self.settings.URL_FORMAT_OVERRIDE)
        named = {name: query[name] for name in query if name not in reserved}
        return self.output(action, query.getlist(BY_PLACE), named)

    def post(self, request: Request, **parts: str) -> Response | Later:
        action = self.allowed_action(parts["action"])
        data = read_object(request)
        if data is None:
            raise RequestInvalid('Write {"args": […], "kwargs": {…}}.')
        given = validated(Arguments, data)
        return self.output(action, given.args, given.kwargs)

    def options(self, request: Request, *args: Any, **parts: Any) -> Response:  # type: ignore[override]  # DRF gives its own
        self.allowed_action(parts["action"])
        return super().options(request, *args, **parts)

    def example(self) -> dict[str, Any]:
        return example_call(exposed_action(exposed_actor(self.kwargs["type"]), self.kwargs["action"]))

    def allowed_action(self, name: str) -> Action[Any, Any]:
        action = exposed_action(self.actor_class, name)
        self.require("call", action.name)
        if not action.safe:  # told to nobody who may not call it
            self.headers["Allow"] = "POST, OPTIONS"
        return action

    def output(self, action: Action[Any, Any], args: list[Any], named: Mapping[str, Any]) -> Response | Later:
        checked, kwargs = checked_arguments(action, args, named)
        if action.is_async:
            return Later(partial(self.awaited, action, checked, kwargs))
        return answer_with(action, call(self.target, action, *checked, **kwargs))

    async def awaited(self, action: Action[Any, Any], args: Any, kwargs: Any) -> Response:
        return answer_with(action, await acall(self.target, action, *args, **kwargs))


def answer_with(action: Action[Any, Any], output: Any) -> Response:
    return Response({"output": plain_output(action, output)})
