"""Whatever ends a message that somebody may ask for: the outcome names its sender."""

import pytest

from actorqueues.models import Outcome
from actorqueues.storage.cancelling import cancel_message
from actorqueues.storage.operations import Bury, Destroy
from actorqueues.storage.outcomes import read_outcomes
from tests.storage.leases import Holder, begin, chain_of, heads_of, mail_for, settle


def settled(holder, actor, head):
    holder.commit(chain_of(actor, begin(head), settle(head, "1")))


def buried(holder, actor, head):
    holder.commit(chain_of(actor, (Bury(head, "expired", "it was too late", 0, 0),)))


def cancelled(holder, actor, head):
    assert cancel_message(head.uid, actor_id=actor.actor_id, using=holder.using)


def destroyed(holder, actor, head):
    holder.commit(chain_of(actor, (Destroy("it was destroyed"),)))


@pytest.mark.parametrize("end", [settled, buried, cancelled, destroyed])
@pytest.mark.parametrize("user_id", ["7", None])
def test_an_outcome_names_the_user_who_sent(backend, end, user_id):
    holder = Holder(backend)
    [actor_id] = mail_for(backend, "main", keeps_outcome=True, user_id=user_id)
    [actor] = holder.claim(actor_id)
    [head] = heads_of(backend, actor_id)
    end(holder, actor, head)
    assert Outcome.objects.get().user_id == user_id
    [told] = read_outcomes([head.uid], using=backend).values()
    assert (told.uid, told.actor_id, told.queue, told.user_id) == (head.uid, actor_id, "increment", user_id)
