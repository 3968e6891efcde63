"""Workers that have ended are said to have, by every way a page learns of it."""

from datetime import datetime

import pytest

from actorqueues.models import Worker
from actorqueues.templatetags.actorqueues_admin import moment
from tests.admin.pages import page, text_of
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

TIME = "document.querySelector('#facts dd time').dateTime"


def test_a_lease_that_has_run_out_says_when(staff, worker_process):
    worker = worker_process("--include", "tally", settings={"LEASE": 2})
    row = eventually(Worker.objects.first)
    client = staff("view_worker", "view_overview")
    assert f"{row} alive" in text_of(client.get(page("worker")))
    worker.kill_family()
    eventually(lambda: "ended at" in text_of(client.get(page("worker"))))
    row.refresh_from_db()
    said = f"ended at {text_in(moment(row.expires_at))}"
    for address in (page("worker"), page("worker", "change", row.pk), page("overview")):
        assert said in text_of(client.get(address))
    answer = client.get(page("worker", "sections", row.pk)).json()
    assert "ended" in answer["sections"]["facts"]
    assert not answer["is_over"]  # what it holds is still to be taken over


def test_one_that_stopped_is_over(staff, start_worker):
    worker = start_worker()
    client, row = staff("view_worker"), Worker.objects.get()
    assert not client.get(page("worker", "sections", row.pk)).json()["is_over"]
    worker.stop()
    answer = client.get(page("worker", "sections", row.pk)).json()
    assert answer["is_over"]
    assert "ended</span> before <time" in answer["sections"]["facts"]
    whole = client.get(page("worker", "change", row.pk))
    assert whole.status_code == 404
    assert "There is no such worker: it has ended" in whole.content.decode()
    assert client.get(page("worker", "change", "nonsense")).status_code == 404


@only_sqlite
@pytest.mark.usefixtures("these_actors")
@pytest.mark.parametrize("environment", [{}, {"AQ_NO_SOCKET": "1"}], ids=["live", "polling"])
def test_an_open_page_sees_it_end(meet, start_admin, start_worker, environment):
    somebody, worker = meet(start_admin(env=environment) if environment else None), start_worker()
    row = Worker.objects.get()
    somebody.go(page("worker", "change", row.pk))
    eventually(lambda: somebody.mode() == ("polling" if environment else "live"))
    worker.stop()
    eventually(lambda: somebody.mode() == "over")
    assert somebody.page.inner_text(".aq-live-status") == "Ended"
    assert somebody.page.inner_text("#facts").split()[:3] == ["Status", "ended", "before"]
    seen_at = datetime.fromisoformat(somebody.page.evaluate(TIME))
    assert 0 < (seen_at - row.renewed_at).total_seconds() < 60
    assert str(row.pid) in somebody.text()  # what does not change stays
    asked = []
    somebody.page.on("request", lambda request: asked.append(request.url))
    somebody.page.wait_for_timeout(3500)
    assert asked == []
    if environment:
        somebody.bears("WebSocket connection to")
    somebody.picture("worker-ended")


def text_in(html):
    return html.split(">")[1].split("<")[0]
