from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from actorqueues.client.depth import gauge
from actorqueues.storage.dialects.postgresql_reads import PostgreSQLReads
from tests.admin.browsing import meet as meet
from tests.admin.browsing import person as person
from tests.admin.servers import admin as admin
from tests.admin.servers import lasting_servers as lasting_servers
from tests.admin.servers import start_admin as start_admin
from tests.admin.servers import these_actors as these_actors
from tests.consumers.conftest import log_in as log_in


@pytest.fixture(autouse=True)
def only_the_playground(playground_registry):
    """Actors of other tests are not known here."""


@pytest.fixture(autouse=True)
def no_credit_from_other_tests():
    gauge.forget()


@pytest.fixture
def staff_user(backend):
    """``staff_user("view_message", "send_message")``: one with these permissions and no other."""

    def make(*permissions, name="ann"):
        user = User.objects.create_user(name, f"{name}@example.com", "secret", is_staff=True)
        found = Permission.objects.filter(content_type__app_label="actorqueues", codename__in=permissions)
        assert found.count() == len(permissions), f"there are not all of {permissions}"
        user.user_permissions.set(found)
        return user

    return make


@pytest.fixture
def staff(staff_user):
    """A browser in which such a person has logged in."""

    def log_in(*permissions, **given):
        client = Client()
        client.user = staff_user(*permissions, **given)
        client.force_login(client.user)
        return client

    return log_in


@pytest.fixture
def few_queries(backend, monkeypatch):
    """``with few_queries():`` under 30, those included that pass Django's own cursors by."""
    beside, read = [], PostgreSQLReads._rows

    def counted(self, connection, sql, parameters):
        beside.append(sql)
        return read(self, connection, sql, parameters)

    monkeypatch.setattr(PostgreSQLReads, "_rows", counted)

    @contextmanager
    def few_queries(most=29):
        beside.clear()
        with CaptureQueriesContext(connections[backend]) as seen:
            yield
        made = [query["sql"] for query in seen] + beside
        assert 0 < len(made) <= most, f"{len(made)} queries:\n" + "\n".join(made)

    return few_queries
