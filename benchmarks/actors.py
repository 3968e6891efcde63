import time

from pydantic import BaseModel

from actorqueues import Actor, Queue, handler


class Work(BaseModel):
    number: int = 0
    text: str = "a message of a hundred bytes or so, as most of them are: an id, a name, an amount"


class Done(BaseModel):
    number: int


class Started(BaseModel):
    at: float  # of the clock that all processes of the machine share


class TallyState(BaseModel):
    count: int = 0


class Sink(Actor):
    """Settles by returning."""

    @handler
    async def take(self, body: Work) -> None:
        pass


class Deep(Actor):
    """``Sink`` with a queue that may be as long as it likes."""

    work = Queue(Work, max_depth=None)

    async def run(self) -> None:
        async for _ in self.work.iter():
            pass


class Desk(Actor):
    """Has as many queues as most actors have at most, each with mail."""

    first = Queue(Work, max_depth=None)
    second = Queue(Work, max_depth=None)
    third = Queue(Work, max_depth=None)
    fourth = Queue(Work, max_depth=None)
    fifth = Queue(Work, max_depth=None)

    async def run(self) -> None:
        while True:
            await self.queue.next()


class Tally(Actor[TallyState]):
    """Owns its loop: state and reply with every message."""

    add = Queue(Work, reply=Done)

    async def run(self) -> None:
        async for message in self.add.iter(completable=True):
            self.state.count += 1
            await message.complete(Done(number=message.body.number))


class Echo(Actor):
    exposed = ("say",)

    @handler
    async def say(self, body: Work) -> Done:
        return Done(number=body.number)


class Herald(Actor):
    """Says what time it is."""

    exposed = ("events",)

    @handler
    async def tell(self) -> None:
        self.broadcast("told", {"at": time.monotonic()}, live=True)


class Clock(Actor[TallyState]):
    """Tells when its handler began."""

    @handler
    async def read(self, body: Work) -> Started:
        return Started(at=time.monotonic())


class Completing(Actor):
    """``Sink`` with a loop that waits for each of its commits."""

    work = Queue(Work)

    async def run(self) -> None:
        async for message in self.work.iter(completable=True):
            await message.complete()


class Saving(Actor[TallyState]):
    """``Sink`` with a state that changes with every message."""

    @handler
    async def take(self, body: Work) -> None:
        self.state.count += 1


class Threaded(Actor):
    """``Sink`` with a plain function: a hop into a lane and back for each message."""

    @handler
    def take(self, body: Work) -> None:
        pass


class Waiting(Actor):
    """A plain function that waits for something else, as most do."""

    @handler
    def take(self, body: Work) -> None:
        time.sleep(0.002)


class Stepping(Actor):
    """An atomic step: a transaction of its own for each message."""

    @handler(atomic=True)
    def take(self, body: Work) -> None:
        pass
