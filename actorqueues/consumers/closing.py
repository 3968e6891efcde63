"""Why the server ends a socket: the close codes of the protocol."""

from __future__ import annotations

from enum import IntEnum


class CloseCode(IntEnum):
    """docs/reference/websocket.md has them for users."""

    PROTOCOL = 4400  # frames that are no text
    SESSION_ENDED = 4401  # who connected is no longer logged in
    SILENT = 4408  # a ping was not answered
    FRAME_TOO_LARGE = 4413
    SLOW_READER = 4429  # frames wait that are not read
    UNAVAILABLE = 4503  # who it is could not be found out now


REASONS = {
    CloseCode.PROTOCOL: "frames are JSON text",
    CloseCode.SESSION_ENDED: "the session has ended",
    CloseCode.SILENT: "a ping was not answered",
    CloseCode.FRAME_TOO_LARGE: "the frame is too large",
    CloseCode.SLOW_READER: "the frames were not read fast enough",
    CloseCode.UNAVAILABLE: "try again soon",
}
