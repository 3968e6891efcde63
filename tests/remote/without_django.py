"""What another service does, whose process knows of no Django project: ``python without_django.py URL``."""

import asyncio
import sys

from actorqueues import MessageFailed, UnknownQueue
from actorqueues.remote import Client


def work(client):
    counter = client.counter.get_or_create(["main"])
    assert counter.queue.increment.send({"amount": 5}, wait=True, timeout=30).response == 5
    assert counter.wait_for(counter.send("increment", {"amount": 1}), timeout=30).response == 6
    assert counter.call("times", 2) == 12
    assert counter.get_state() == {"value": 6}
    for wrong, queue in ((UnknownQueue, "incremet"), (MessageFailed, "refuse")):
        try:
            counter.ask(queue, "that", timeout=30)
        except wrong as error:
            print(f"{error.code}: {error}")
        else:
            raise AssertionError(f"{queue} was not refused")


async def awork(client):
    assert await client.counter.get_or_create(["main"]).aask("increment", {"amount": 4}, timeout=30) == 10


if __name__ == "__main__":
    with Client(sys.argv[1]) as client:
        work(client)

    async def main():
        async with Client(sys.argv[1]) as client:
            await awork(client)

    asyncio.run(main())
    from django.conf import settings

    assert not settings.configured
