"""Actors for tests with a real web server: its process imports them from here."""

import asyncio
from typing import Any

from pydantic import BaseModel
from rest_framework.permissions import IsAuthenticated

from actorqueues import CONTENT, Actor, Message, Reject, action, handler


def nested(levels: int) -> list[Any]:
    """Lists in lists."""
    return [nested(levels - 1)] if levels > 1 else []


class Many(BaseModel):
    count: int
    size: int = 1


class Parrot(Actor[dict[str, Any]]):
    exposed = True
    initial_state = {"said": []}

    @handler
    async def say(self, body: str) -> str:
        self.state["said"].append(body)
        self.broadcast("said", body, live=True)
        return body.upper()

    @handler(dedupe=CONTENT)
    async def say_once(self, body: str) -> str:
        return body.upper()

    @handler
    async def say_many(self, body: Many) -> None:
        for number in range(body.count):
            self.broadcast("many", {"number": number, "text": "x" * body.size}, live=True)

    @handler
    async def pack(self, body: int, message: Message) -> str:
        for done in range(1, body + 1):
            message.progress(done, body, "packing")
            await asyncio.sleep(0.05)
        return "packed"

    @handler
    async def notify(self, body: str) -> None:
        self.notify_user("note", body)

    @handler
    async def refuse(self, body: str) -> None:
        raise Reject(body)

    @handler
    async def sleep(self, body: float) -> str:
        await asyncio.sleep(body)
        return "slept"

    @handler
    async def hush(self, body: float) -> None:
        await asyncio.sleep(body)

    @action(safe=True)
    def heard(self, times: int = 1) -> list[str]:
        return self.state["said"] * times

    @action(safe=True)
    def nest(self, levels: int) -> list[Any]:
        return nested(levels)

    @action(safe=True)
    async def dawdle(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @action
    def whisper(self, text: str) -> None:
        self.broadcast("whisper", text)

    @action
    def pass_on(self, text: str) -> None:
        Parrot.get_or_create("another").send("say", text)


class Diary(Actor):
    """Everybody has one's own."""

    exposed = True

    @classmethod
    def can_connect(cls, access):
        return access.key == (access.user_id,)

    @handler
    async def write(self, body: str) -> None:
        self.broadcast("written", body)


class Club(Actor):
    """For members only, whoever is one at the moment."""

    exposed = ("events", "talk")
    permission_classes = [IsAuthenticated]

    @classmethod
    def can_subscribe(cls, access, event):
        return event == "public" or (event == "news" and access.user.first_name == "member")

    @handler
    async def talk(self, body: str) -> None:
        self.broadcast("news", body)
        self.broadcast("public", body)

    @handler
    async def secret(self, body: str) -> None: ...


class Vault(Actor):
    """Not exposed."""

    @handler
    async def open(self, body: str) -> None: ...


class Team(Actor):
    """For those who are of it at the moment."""

    exposed = True
    permission_classes = [IsAuthenticated]

    @classmethod
    def can_subscribe(cls, access, event):
        return access.user.first_name == "member"

    @handler
    async def pack(self, body: int) -> None: ...


# Those of the documentation's pages.


class Counter(Actor[dict[str, int]]):
    exposed = True
    initial_state = {"value": 0}

    @handler
    async def increment(self, body: dict[str, int]) -> dict[str, int]:
        self.state["value"] += body["amount"]
        self.broadcast("changed", self.state)
        return self.state

    @action(safe=True)
    def total(self) -> int:
        return self.state["value"]


class Importer(Actor):
    exposed = True

    @handler
    async def load(self, body: int, message: Message) -> int:
        message.progress(body, body, "packing")
        return body


class Import(Actor):
    exposed = True

    @handler
    async def load(self, body: int) -> None:
        self.broadcast("loaded", body)
