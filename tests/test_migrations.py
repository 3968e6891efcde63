import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command


@pytest.mark.filterwarnings("ignore:Got an error checking a consistent migration history")
def test_the_migrations_have_everything_that_the_models_have(backend):
    call_command("makemigrations", "--check", "--dry-run", "actorqueues", verbosity=0)


def test_people_get_permissions_to_send_and_to_see_payloads(backend):
    named = set(Permission.objects.using(backend).values_list("codename", flat=True))
    assert {"send_message", "view_payload", "view_overview"} <= named
    assert not {"add_overview", "change_overview", "delete_overview"} & named
