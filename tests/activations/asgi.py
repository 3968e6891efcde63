"""A small web application with a worker inside: a request asks an actor and answers with its reply.

daphne knows no lifespan events, so the worker starts with the first request.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from actorqueues import Worker  # noqa: E402
from tests.playground.actors import Tally  # noqa: E402

worker = Worker()
starting = asyncio.Lock()
started = []


async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    async with starting:
        if not started:
            await worker.__aenter__()
            started.append(True)
    amount = int(parse_qs(scope["query_string"].decode())["amount"][0])
    value = await Tally.get_or_create("daphne").aask(Tally.increment, {"amount": amount}, timeout=8)
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"value": value.value}).encode()})
