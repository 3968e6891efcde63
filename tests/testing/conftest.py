"""``using``: a test runs on both databases, as in a TransactionTestCase and as in a TestCase."""

import pytest
from django.db import connections, transaction

from tests.fixtures.backends import BACKENDS, actors_on, empty_tables


@pytest.fixture(params=["commits", "in transaction"])
def using(request, database, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), actors_on(database):
        if request.param == "commits":
            yield database
            connections[database].close()
            empty_tables(database)
            return
        atomic = transaction.atomic(using=database)
        atomic._from_testcase = True
        with atomic:
            yield database
            transaction.set_rollback(True, using=database)


@pytest.fixture(params=BACKENDS)
def database(request):
    return request.param
