"""The socket of a live page: it says when to look again, and carries nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from django.http import QueryDict

from actorqueues.admin.fingerprints import Thing, thing_named
from actorqueues.admin.watching import Watch, unwatch, watch
from actorqueues.bridge import in_thread
from actorqueues.conf import settings
from actorqueues.web import sessions
from actorqueues.web.callers import Caller
from actorqueues.web.sockets import LaneConsumer

logger = logging.getLogger("actorqueues.admin")

SESSION_ENDED, SILENT = 4401, 4408  # as on the project's other sockets


class Viewer(Caller):
    """The admin knows sessions only, so no other credentials are looked at."""

    def found(self) -> Any:
        return sessions.session_user(self.scope)


class InspectorConsumer(LaneConsumer):
    """``{"type": "hello"}`` once it watches, then ``{"type": "changed"}`` whenever something looks different.

    The page answers ``ping`` with whatever it likes.
    """

    watched: Watch | None = None
    answered = True

    async def connect(self) -> None:
        """Refused, which is a 403, for a foreign origin and for whoever may not see the page."""
        self.caller = Viewer(self.scope)
        thing = thing_named(QueryDict(self.scope.get("query_string", b"")).get("watch", ""))
        if thing is None or not self.caller.comes_from_here() or not await self.is_welcome(thing):
            await self.close()
            return
        await self.accept()
        self.spawn(self.begin(thing))
        self.spawn(self.beat())
        self.spawn(self.check(thing))

    async def is_welcome(self, thing: Thing) -> bool:
        await self.caller.authenticate()
        return self.caller.is_somebody and await in_thread(self.may_watch, thing)

    def may_watch(self, thing: Thing) -> bool:
        user = self.caller.user
        return bool(user.is_active and user.is_staff and user.has_perm(thing.permission))

    async def begin(self, thing: Thing) -> None:
        # The page looks when it hears the hello: by then a change that it does not see is told.
        self.watched = watch(thing, self.tell)
        await self.watched.begun.wait()
        await self.say("hello", heartbeat=round(settings.WEBSOCKET_HEARTBEAT * 1000))

    def tell(self) -> None:
        self.spawn(self.say("changed"))

    async def say(self, kind: str, **more: Any) -> None:
        try:
            await self.send(json.dumps({"type": kind, **more}))
        except Exception as error:  # noqa: BLE001  servers differ in what they raise
            logger.debug("a socket is gone: %s", error)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        self.answered = True

    async def beat(self) -> None:
        while True:
            await asyncio.sleep(settings.WEBSOCKET_HEARTBEAT)
            self.answered = False
            await self.say("ping")
            await asyncio.sleep(settings.WEBSOCKET_PATIENCE)
            if not self.answered:
                return self.end(SILENT, "a ping was not answered")

    async def check(self, thing: Thing) -> None:
        """Whether the session lasts, and the permission."""
        while True:
            await asyncio.sleep(settings.WEBSOCKET_RECHECK)
            try:
                welcome = await self.caller.renew() and await in_thread(self.may_watch, thing)
            except Exception as error:  # noqa: BLE001  the database is away: the next check tells
                logger.warning("a session could not be checked again: %s", error)
                continue
            if not welcome:
                return self.end(SESSION_ENDED, "the session has ended")

    def end(self, code: int, reason: str) -> None:
        logger.info("a socket of the inspector is closed: %s (%d)", reason, code)
        self.stop()
        self.cancel_tasks()
        self.spawn(self.close(code, reason))

    def stop(self) -> None:
        if self.watched is not None:
            unwatch(self.watched, self.tell)
            self.watched = None
