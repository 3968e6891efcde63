from __future__ import annotations

import logging
import random
from typing import TYPE_CHECKING

from actorqueues.storage.unclaimed import unknown_queues, unknown_types

if TYPE_CHECKING:
    from actorqueues.runtime.session import Session

logger = logging.getLogger("actorqueues.worker")

SAMPLE = 50  # resident actors whose queues are looked at in one turn


class UnknownMail:
    """Says once of each actor type and queue that there is mail for it and no code."""

    def __init__(self) -> None:
        self.reported: set[str] = set()

    async def look(self, session: Session) -> None:
        using = session.options.using
        known = {actor.definition.type_name for actor in session.registry.all()}
        for name in await session.threads.leasing(unknown_types, known, using=using):
            self.report(f"actor type {name!r}", {**session.log_fields, "actor_type": name})
        activations = random.sample(list(session.activations.values()), min(SAMPLE, len(session.activations)))
        queues = {activation.actor_id: set(activation.definition.queues) for activation in activations}
        for actor_id, name in await session.threads.leasing(unknown_queues, queues, using=using):
            activation = session.activations.get(actor_id)
            if activation is not None:
                what = f"queue {name!r} of actor type {activation.actor_type!r}"
                self.report(what, {**activation.log_fields, "queue": name})

    def report(self, what: str, fields: dict[str, str]) -> None:
        if what not in self.reported:
            self.reported.add(what)
            text = "there is mail for %s, which this worker's code does not know: it stays stored"
            logger.warning(text, what, extra=fields)
