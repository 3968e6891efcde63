"""Messages as storage takes them, with as little written out as a test needs."""

from actorqueues.definitions.keys import actor_id_for
from actorqueues.storage.ids import key_id, new_uid
from actorqueues.storage.sending import Outgoing


def to(
    key: str = "main", queue: str = "increment", *, dedupe: str | None = None, window: float = 300, **given
) -> Outgoing:
    actor_id = actor_id_for("ledger", key)
    if dedupe is not None:
        given.update(dedupe=key_id("dedupe", actor_id, queue, dedupe), dedupe_window=window)
    if "idempotency" in given:
        given["idempotency"] = key_id("idempotency", actor_id, queue, given["idempotency"])
    return Outgoing(new_uid(), actor_id, "ledger", key, queue, given.pop("body", '{"amount":1}'), **given)
