import pytest
from django.core.management import call_command
from django.db import connections

from demo_project.databases import postgresql
from tests.fixtures.backends import actors_on
from tests.fixtures.processes import ProcessStarter
from tests.fixtures.servers import embedded_postgres


@pytest.fixture
def own_server(django_db_setup, django_db_blocker):
    """A PostgreSQL server that only this test uses, as the database ``postgresql``."""
    connection = connections["postgresql"]
    before = dict(connection.settings_dict)
    with embedded_postgres() as server, django_db_blocker.unblock():
        connection.close()
        connection.settings_dict.update(postgresql(server.url))
        try:
            call_command("migrate", database="postgresql", verbosity=0)
            with actors_on("postgresql"):
                yield server
        finally:
            connection.close()
            connection.settings_dict.update(before)


@pytest.fixture
def own_processes(own_server, tmp_path):
    starter = ProcessStarter("postgresql", tmp_path)
    yield starter
    starter.end_all()
