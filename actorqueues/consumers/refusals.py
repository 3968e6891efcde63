"""What a socket may not do, beside what nobody may."""

from __future__ import annotations

from actorqueues.exceptions import ActorQueuesError


class FrameInvalid(ActorQueuesError):
    """The frame cannot be read: {problem}"""

    code = "socket.frame_invalid"
    status = 400
    request_id: str | int | None = None


class TooManyRequests(ActorQueuesError):
    """{limit} requests of this socket wait for their answers already. Wait for one of them."""

    code = "socket.too_many_requests"
    status = 429


class TooManySubscriptions(ActorQueuesError):
    """This socket has {limit} subscriptions already."""

    code = "socket.too_many_subscriptions"
    status = 429
