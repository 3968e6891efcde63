"""From a body and options to an ``Outgoing``: validated, serialised, complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from typing import Any
from uuid import UUID

from actorqueues.client.options import (
    SendOptions,
    check_names,
    dedupe_id,
    expiry_of,
    fingerprint_of,
    idempotency_id,
    meta_of,
    start_of,
)
from actorqueues.client.targets import Target
from actorqueues.client.users import user_of_message
from actorqueues.conf import settings
from actorqueues.definitions.marks import CONTENT, UNSET
from actorqueues.definitions.queue import Queue
from actorqueues.exceptions import MessageTooLarge
from actorqueues.storage.ids import new_uid
from actorqueues.storage.sending import Outgoing


def make_outgoing(
    target: Target,
    queue: Queue[Any, Any],
    body: Any,
    options: SendOptions,
    *,
    chain: tuple[str, ...] = (),
    waits: bool = False,
) -> Outgoing:
    """Raises ``BodyInvalid``, ``MessageTooLarge``, for options ``KeyInvalid``, ``TypeError``, ``ValueError``."""
    text = queue.dump_body(body)
    refuse_too_large(text)
    outgoing = Outgoing(
        uid=new_uid(),
        actor_id=target.actor_id,
        actor_type=target.type_name,
        actor_key=target.key,
        queue=queue.name,
        body=text,
        user_id=user_of_message(options.get("user", UNSET)),
        keeps_outcome=waits or queue.reply is not None,
        requires_actor=target.must_exist,
        generation=target.generation,
        input=target.input,
    )
    if not options and not chain and queue.dedupe is None:  # most messages by far
        return outgoing
    return with_options(outgoing, queue, options, chain)


def with_options(
    plain: Outgoing, queue: Queue[Any, Any], options: SendOptions, chain: tuple[str, ...]
) -> Outgoing:
    check_names(options)
    rule = options.get("dedupe", queue.dedupe)
    dedupe = dedupe_id(rule, plain.actor_id, plain.queue, plain.body, plain.user_id)
    key = options.get("idempotency_key")
    idempotency = None if key is None else idempotency_id(key, plain.actor_id, plain.queue, plain.user_id)
    meta = meta_of(options, chain, [one for one in (dedupe, idempotency) if one is not None])
    refuse_too_large(meta)
    delay, scheduled_at = start_of(options)
    expires_in, expires_at = expiry_of(options)
    return replace(
        plain,
        meta=meta,
        keeps_outcome=plain.keeps_outcome or idempotency is not None or bool(options.get("track")),
        delay=delay,
        scheduled_at=scheduled_at,
        expires_in=expires_in,
        expires_at=expires_at,
        dedupe=dedupe,
        dedupe_window=settings.DEDUPE_WINDOW,
        idempotency=idempotency,
        fingerprint="" if idempotency is None else fingerprint_of(plain.body),
    )


def make_many(
    target: Target, queue: Queue[Any, Any], bodies: Sequence[Any], options: SendOptions
) -> list[Outgoing]:
    """One ``Outgoing`` a body, with the same options. Raises what ``make_outgoing`` raises."""
    if options.get("idempotency_key") is not None:
        raise ValueError("idempotency_key= is for one message. Use dedupe=CONTENT for many.")
    if options.get("dedupe", queue.dedupe) not in (None, CONTENT):
        raise ValueError("With one dedupe key for all, only the first would be sent. Use dedupe=CONTENT.")
    if not bodies:
        return []
    first = make_outgoing(target, queue, bodies[0], options)
    if first.dedupe is not None:
        return [first, *(make_outgoing(target, queue, body, options) for body in bodies[1:])]
    texts = [queue.dump_body(body) for body in bodies[1:]]
    for text in texts:
        refuse_too_large(text)
    another = partial(Outgoing, **{one.name: getattr(first, one.name) for one in fields(Outgoing)})
    return [first, *(another(uid=new_uid(), body=text) for text in texts)]


def refuse_too_large(text: str | None) -> None:
    # A character is one to four bytes: the exact size is needed only close to the limit.
    if text is None or len(text) * 4 <= settings.MAX_MESSAGE_BYTES:
        return
    size = len(text) if text.isascii() else len(text.encode())
    if size > settings.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(size=size, limit=settings.MAX_MESSAGE_BYTES)


def derived(outgoing: Outgoing, uid: UUID) -> Outgoing:
    """For a message that leaves a delivery at once: a retry of the delivery sends it under the same id."""
    return replace(outgoing, uid=uid, repeated=True)
