from pydantic import BaseModel

from actorqueues import Actor, Queue, handler


class Work(BaseModel):
    number: int = 0
    text: str = "a message of a hundred bytes or so, as most of them are: an id, a name, an amount"


class Done(BaseModel):
    number: int


class TallyState(BaseModel):
    count: int = 0


class Sink(Actor):
    """Handlers that settle by returning."""

    @handler
    async def take(self, body: Work) -> None:
        pass


class Tally(Actor[TallyState]):
    """Owns its loop: state and reply with every message."""

    add = Queue(Work, reply=Done)

    async def run(self) -> None:
        async for message in self.add.iter(completable=True):
            self.state.count += 1
            await message.complete(Done(number=message.body.number))


class Echo(Actor):
    @handler
    async def say(self, body: Work) -> Done:
        return Done(number=body.number)
