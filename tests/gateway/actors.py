"""What Rivet's client talks to in these tests."""

import asyncio
from typing import Any

from pydantic import BaseModel
from rest_framework.permissions import IsAuthenticated

from actorqueues import Actor, Message, Queue, Reject, action, handler


class GaugeState(BaseModel):
    value: int = 0
    user: str | None = None


class Step(BaseModel):
    amount: int


class Level(BaseModel):
    value: int


class Gauge(Actor[GaugeState]):
    type_name = "rivet.gauge"
    exposed = True

    step = Queue(Step, reply=Level)

    async def on_create(self, input: Any) -> None:
        self.state.value = (input or {}).get("start", 0)

    async def run(self) -> None:
        async for message in self.step.iter(completable=True):
            self.state.value += message.body.amount
            self.state.user = message.user_id
            self.broadcast("stepped", {"value": self.state.value})
            await message.complete(Level(value=self.state.value))

    @action(safe=True)
    def read(self, factor: int = 1) -> int:
        return self.state.value * factor

    @action
    async def user(self) -> str | None:
        return self.state.user

    @action
    def who(self) -> list[str]:
        return list(self.key)

    @action
    def broken(self) -> None:
        raise RuntimeError("a secret of the server")


class Mirror(Actor):
    """Gives back what it gets."""

    type_name = "rivet.mirror"
    exposed = True

    @handler
    def anything(self, body: Any) -> Any:
        return body

    @handler(dedupe="content")
    def once(self, body: str) -> str:
        return body

    @handler
    def binary(self, body: bytes) -> list[int]:
        return list(body)

    @handler
    def refuse(self, body: str) -> None:
        raise Reject(body)

    @handler
    def ring(self, message: Message) -> None:
        """Takes no body and gives no reply."""

    @action
    def echo(self, value: Any) -> Any:
        return value

    @action
    def pass_on(self, text: str) -> None:
        Mirror.get_or_create("another").send("notify", text)

    @handler
    def notify(self, body: str, message: Message) -> None:
        """Tells its sender alone, after a report for them too."""
        message.progress(1, 2, body)
        self.broadcast("all", 2**60)
        self.notify_user("mine", body)

    @action
    async def nest(self, levels: int) -> list[Any]:
        found: list[Any] = []
        for _ in range(levels - 1):
            found = [found]
        return found

    @action
    def shout(self, text: str) -> None:
        self.broadcast("shouted", ["$x", text])

    @action
    async def wait(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    @action
    def numbers(self) -> dict[str, Any]:
        return {"large": 2**70, "bytes": b"\x00\xff", "pair": ["$BigInt", "7"], "set": {1}}


class Silent(Actor):
    """Nobody reads its mail."""

    type_name = "rivet.silent"
    exposed = ("letters",)

    letters = Queue(Any, reply=Any, max_depth=2)
    secret = Queue(Any)

    async def run(self) -> None:
        await self.queue.next(self.secret)

    @action
    def hidden(self) -> None:
        pass


class Members(Actor):
    """For users alone, each for their own key."""

    type_name = "rivet.members"
    exposed = True
    permission_classes = (IsAuthenticated,)

    notes = Queue(str)

    async def run(self) -> None:
        await self.queue.next(self.notes)

    @classmethod
    def can_connect(cls, access: Any) -> bool:
        return access.key == (access.user_id,)

    @action
    def hello(self) -> str:
        return f"hello {self.key[0]}"


class Gated(Actor):
    """Asks for a password among the connection's params, and is made by staff alone."""

    type_name = "rivet.gated"
    exposed = True

    notes = Queue(str)

    async def run(self) -> None:
        await self.queue.next(self.notes)

    @classmethod
    def can_connect(cls, access: Any) -> bool:
        return access.transport == "gateway" and access.params.get("password") == "sesame"

    @classmethod
    def can_create(cls, access: Any) -> bool:
        return access.is_staff


class Bulletin(Actor):
    """Anybody hears what is public, members the news."""

    type_name = "rivet.bulletin"
    exposed = True

    @classmethod
    def can_subscribe(cls, access: Any, event: str) -> bool:
        return event == "public" or (event == "news" and access.user.first_name == "member")

    @action
    def tell(self, text: str) -> None:
        self.broadcast("news", text)
        self.broadcast("public", text)

    @action
    async def wait(self, seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds


class Unexposed(Actor):
    type_name = "rivet.unexposed"

    notes = Queue(str)

    async def run(self) -> None:
        await self.queue.next(self.notes)
