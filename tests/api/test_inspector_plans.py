"""What the inspector reads does not grow with the mailbox that it shows a piece of."""

import pytest

from actorqueues import Actor, Queue
from actorqueues.api.actors import MOST_COUNTED
from actorqueues.models import Message
from tests.api.conftest import Api
from tests.dialects.test_plans import FEW_ALIKE, ONE_DEEP, explain, nodes_of, statements_of, walks
from tests.dialects.test_plans import deep as deep
from tests.fixtures.backends import only_postgresql

LIMIT = 5
PAGE = f"ledger/main/inspector/queue/?limit={LIMIT}"


@pytest.fixture
def ledger(empty_registry):
    class Ledger(Actor):
        exposed = True
        increment = Queue(None)
        other = Queue(None)

        async def run(self): ...

    return Ledger


@pytest.fixture
def staff(make_user):
    return Api(make_user("staff", is_staff=True))


@pytest.fixture
def spread(request):
    return request.param


@only_postgresql
@pytest.mark.parametrize("spread", [ONE_DEEP, FEW_ALIKE], ids=["one deep", "few alike"], indirect=True)
def test_a_piece_of_a_deep_mailbox_is_read_and_no_more(ledger, deep, backend, staff, monkeypatch):
    with statements_of(monkeypatch) as seen:
        told = staff.get(PAGE).json()
    mail = Message.objects.filter(actor_id=deep[1].actor_id).order_by("id")
    assert [one["sequence"] for one in told["messages"]] == list(mail.values_list("id", flat=True)[:LIMIT])
    assert (told["size"], told["truncated"]) == (min(mail.count(), MOST_COUNTED), True)
    plans = {query: explain(backend, query, params) for query, params in seen}
    assert len(plans) >= 4
    assert {query: walks(plan) for query, plan in plans.items() if walks(plan)} == {}
    reading = {query: plan for query, plan in plans.items() if "count(*)" not in query}  # that goes to 10,001
    assert {query: sorts(plan) for query, plan in reading.items() if sorts(plan)} == {}


def sorts(plan):
    """What in a plan puts many rows into an order."""
    nodes = [node for node in nodes_of(plan) if "Sort" in node["Node Type"]]
    return [node["Sort Key"] for node in nodes if node["Plan Rows"] > 2 * LIMIT]


def test_the_first_messages_of_all_queues_are_shown_in_order(ledger, backend, staff):
    handle = ledger.get_or_create("main")
    sent = [handle.send(queue).id for queue in (*("other", "increment") * 4, *["increment"] * 9)]
    told = staff.get(PAGE).json()
    assert [one["id"] for one in told["messages"]] == sent[:LIMIT]
    assert (told["size"], told["truncated"]) == (len(sent), True)


def test_what_lies_in_a_queue_that_the_code_no_longer_has_is_shown(ledger, backend, staff):
    sent = ledger.get_or_create("main").send("other")
    Message.objects.filter(uid=sent.id).update(queue="gone")
    assert [one["queue"] for one in staff.get(PAGE).json()["messages"]] == ["gone"]
