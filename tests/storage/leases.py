"""Workers that hold actors, as short as a storage test needs them."""

from uuid import UUID, uuid4

from django.db import connections

from actorqueues.models import ActorInstance, Message, Wake
from actorqueues.storage.claiming import claim_actors
from actorqueues.storage.dialects import WantedHeads, dialect_for
from actorqueues.storage.journal import commit_batch
from actorqueues.storage.operations import Chain, Release, Settle, Start
from actorqueues.storage.sending import store_messages
from actorqueues.storage.workers import register_worker
from tests.storage.outgoing import to

QUEUES = ("increment", "note")


class Holder:
    """One worker: claims, and commits steps through its journal."""

    def __init__(self, using, *, lease=30.0):
        self.using, self.id, self.sequence = using, uuid4(), 0
        register_worker(self.id, host="here", pid=1, version="1", types="ledger", lease=lease, using=using)

    def claim(self, *actor_ids: UUID):
        return claim_actors(self.id, list(actor_ids), ["ledger"], using=self.using)

    def commit(self, *chains, counted=()):
        self.sequence += 1
        return self.repeat(*chains, counted=counted)

    def repeat(self, *chains, counted=()):
        """The last batch once more, as after a lost connection."""
        return commit_batch(self.id, self.sequence, list(chains), counted=counted, using=self.using)

    def release(self, actor, held_reason=None):
        return self.commit(chain_of(actor, release(held_reason)))[0]


def release(held_reason=None):
    return (Release("ledger", QUEUES, held_reason),)


def chain_of(actor, *steps):
    return Chain(actor.actor_id, actor.generation, actor.epoch, list(steps))


def mail_for(using, *keys, count=1, **given):
    """Sends ``count`` messages to each key; the actors' ids."""
    outgoing = [to(key, **given) for key in keys for _ in range(count)]
    store_messages(outgoing, using=using)
    return list(dict.fromkeys(one.actor_id for one in outgoing))


def held_actor(using, key="main", *, count=1, holder=None):
    """A worker that holds an actor with mail."""
    holder = holder or Holder(using)
    [actor_id] = mail_for(using, key, count=count)
    [actor] = holder.claim(actor_id)
    return holder, actor


def heads_of(using, *actor_ids, queue="increment", limit=100):
    wanted = [WantedHeads(actor_id, queue, limit) for actor_id in actor_ids]
    return dialect_for(using).read_heads(connections[using], wanted)


def begin(head):
    return (Start(head.id),)


def settle(head, reply=None):
    return (Settle(head, reply),)


def failed_once(head):
    return head._replace(failures=1, error="boom")


def row_of(actor_id):
    return ActorInstance.objects.get(id=actor_id)


def stranded_actors():
    """Actors with mail that no claimer would come upon."""
    # In this order: what is found meanwhile was found.
    with_mail = set(Message.objects.values_list("actor_id", flat=True))
    waking = set(ActorInstance.objects.filter(wake_at__isnull=False).values_list("id", flat=True))
    return with_mail - waking - set(Wake.objects.values_list("actor_id", flat=True))


def is_found(actor_id):
    """Whether a claimer would come upon it, or nothing is left to do."""
    if not Message.objects.filter(actor_id=actor_id).exists():
        return True
    row = ActorInstance.objects.filter(id=actor_id).first()
    return (row is not None and row.wake_at is not None) or Wake.objects.filter(actor_id=actor_id).exists()
