from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError

from actorqueues.storage.mailboxes import MailRequest, read_mail

if TYPE_CHECKING:
    from actorqueues.runtime.activation import Activation
    from actorqueues.runtime.session import Session

logger = logging.getLogger("actorqueues.mail")

MOST = 200  # activations in one read
RETRY_PAUSE = 0.5  # seconds after a read that failed


class MailReader:
    """Reads the mailboxes of many activations at once: whoever runs low is in the next read."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.wanted: dict[Activation, list[asyncio.Future[None]]] = {}
        self.reading: set[Activation] = set()
        self.bell = asyncio.Event()
        self.most = MOST

    def want(self, activation: Activation) -> None:
        """A hint during a read asks for another one: what it tells of may not be in this one."""
        if activation.lost is None:
            self.wanted.setdefault(activation, [])
            self.bell.set()

    async def fetch(self, activation: Activation) -> None:
        """Returns when a read that began after this call has been taken in."""
        activation.receiver.buffer.expect_more()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.want(activation)
        if activation in self.wanted:
            self.wanted[activation].append(done)
            await done

    def is_wanted(self, activation: Activation) -> bool:
        return activation in self.wanted or activation in self.reading

    async def run(self) -> None:
        while True:
            await self.bell.wait()
            self.bell.clear()
            while self.wanted:
                await self.read()

    async def read(self) -> None:
        chosen = {activation: self.wanted.pop(activation) for activation in list(self.wanted)[: self.most]}
        limits = {activation: activation.receiver.buffer.limits() for activation in chosen}
        requests = [
            MailRequest(
                activation.actor_id, activation.epoch, limits[activation], activation.promotion.is_due
            )
            for activation in chosen
        ]
        self.reading = set(chosen)
        for activation in chosen:
            activation.receiver.buffer.gone = set()
        try:
            now, mail = await self.session.threads.leasing(
                read_mail, requests, using=self.session.options.using
            )
        except (DatabaseError, InterfaceError) as error:
            text = "mailboxes could not be read, trying again: %s"
            logger.warning(text, error, extra=self.session.log_fields)
            # A server that is too slow for so many within its time limit may do fewer.
            self.most = max(len(chosen) // 2, 1)
            await asyncio.sleep(RETRY_PAUSE)
            self.want_again(chosen)
            return
        finally:
            self.reading = set()
        self.most = min(self.most * 2, MOST)
        for activation, waiting in chosen.items():
            if activation.lost is None and not activation.releasing:
                activation.take_mail(now, mail[activation.actor_id], limits[activation])
            release_waiting(waiting)

    def want_again(self, chosen: Mapping[Activation, list[asyncio.Future[None]]]) -> None:
        for activation, waiting in chosen.items():
            self.want(activation)
            if activation in self.wanted:
                self.wanted[activation].extend(waiting)
            else:  # it has lost its lease: nobody reads for it any more
                release_waiting(waiting)


def release_waiting(waiting: list[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)
