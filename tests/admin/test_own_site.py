import pytest

from actorqueues.models import ActorInstance
from tests.admin.pages import confirm, text_of
from tests.playground.actors import Tally

pytestmark = pytest.mark.urls("tests.admin.own_site")

ACTORS = "/ops/actorqueues/actorinstance/"
PERMISSIONS = (
    "view_actorinstance",
    "change_actorinstance",
    "view_message",
    "send_message",
    "delete_actorinstance",
)


def test_a_site_of_one_s_own_links_only_to_what_it_has(staff, backend):
    Tally.create("a")
    Tally.get("a").send("increment", {"amount": 1})
    actor = ActorInstance.objects.get()
    client = staff(*PERMISSIONS)
    assert "tally/a" in text_of(client.get(ACTORS))
    for place in ("change", "sections"):
        answer = client.get(f"{ACTORS}{actor.pk}/{place}/")
        assert answer.status_code == 200
        whole = answer.content.decode()
        assert "increment" in whole
        assert "/message/" not in whole
        assert '="/admin/' not in whole
        assert "/operate/pause/" in whole
        assert "/operate/destroy/" not in whole  # this site does not offer it


def test_operations_stay_on_the_site(staff, backend):
    Tally.create("a")
    actor = ActorInstance.objects.get()
    client = staff(*PERMISSIONS)
    asked = client.post(f"{ACTORS}operate/pause/", {"_selected_action": actor.pk})
    assert '="/admin/' not in asked.content.decode()
    done = confirm(client, asked, follow=False)
    assert done["Location"] == ACTORS
    actor.refresh_from_db()
    assert actor.paused_at
    assert client.post(f"{ACTORS}operate/destroy/", {"_selected_action": actor.pk}).status_code == 404
