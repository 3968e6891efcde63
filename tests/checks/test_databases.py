"""Checks of the database: its kind, its settings, its pools, and the way to it."""

import pytest
from django.db import connections
from django.test import override_settings

from actorqueues import checks
from actorqueues.checks import which
from actorqueues.diagnosis.pooling import shares_sessions
from tests.fixtures.backends import STORES, every_postgresql


def ids(messages):
    return [message.id.removeprefix("actorqueues.") for message in messages]


class Connection:
    alias = "default"

    def __init__(self, vendor, display_name="", *, name="shop", age=0, **options):
        self.vendor = vendor
        self.display_name = display_name or vendor
        self.settings_dict = {"NAME": name, "CONN_MAX_AGE": age, "OPTIONS": options}


@pytest.fixture
def database(monkeypatch):
    return lambda connection: monkeypatch.setattr(which, "actors_connection", lambda: connection)


@pytest.mark.parametrize(
    ("connection", "found"),
    [
        (Connection("postgresql"), []),
        (Connection("sqlite", transaction_mode="IMMEDIATE"), []),
        (Connection("sqlite", transaction_mode="immediate"), []),
        (Connection("sqlite"), ["W021"]),
        (Connection("sqlite", transaction_mode="EXCLUSIVE"), ["W021"]),
        (Connection("mysql", "MariaDB"), ["E020"]),
        (Connection("oracle", "Oracle"), ["E020"]),
    ],
)
def test_the_database_has_to_suit(database, connection, found):
    database(connection)
    assert ids(checks.check_database()) == found


def test_mariadb_is_not_supported_yet(database):
    database(Connection("mysql", "MariaDB"))
    assert "MariaDB, which is not supported yet" in checks.check_database()[0].msg


def test_a_sqlite_file_that_is_not_in_wal_mode_is_a_warning(tmp_path, database, django_db_blocker):
    from django.db.backends.sqlite3.base import DatabaseWrapper

    plain = {
        **connections["default"].settings_dict,
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": tmp_path / "a",
    }
    plain["OPTIONS"] = {}
    connection = DatabaseWrapper(plain, "default")
    database(connection)
    with django_db_blocker.unblock():  # a file of its own
        assert ids(checks.check_journal_mode(databases=["default"])) == ["W022"]
        assert checks.check_journal_mode(databases=None) == []
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA journal_mode=WAL")
        assert checks.check_journal_mode(databases=["default"]) == []
        connection.close()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (":memory:", ["W027"]),
        ("file:memorydb_default?mode=memory&cache=shared", ["W027"]),
        ("/srv/shop/db.sqlite3", []),
    ],
)
def test_a_database_in_memory_is_a_warning(database, name, found):
    database(Connection("sqlite", name=name))
    assert ids(checks.check_memory()) == found


@pytest.mark.parametrize(
    ("pool", "age", "found"),
    [
        (None, 600, []),
        (True, 0, ["W025"]),  # psycopg's own default is four
        ({"max_size": 6}, 0, ["W025"]),
        ({"max_size": 7}, 0, []),
        ({"min_size": 8}, 0, []),
        ({"max_size": 20}, 600, ["E021"]),
    ],
)
def test_a_pool_must_have_room_for_a_workers_threads(database, pool, age, found):
    database(Connection("postgresql", age=age, **({"pool": pool} if pool is not None else {})))
    with override_settings(ACTORQUEUES={"LANES": 4}):
        assert ids(checks.check_pool()) == found


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, 0),
        ({"LEASE": 1}, 1),
        ({"POLL_INTERVAL": 60}, 1),
        ({"POLL_INTERVAL": 10, "REPLY_RETENTION": 5}, 1),
        ({"LEASE": 1, "POLL_INTERVAL": 700}, 3),
        ({"LEASE": "fast"}, 0),
    ],
)
def test_times_that_make_no_sense_together_are_warnings(given, found):
    with override_settings(ACTORQUEUES=given):
        assert ids(checks.check_times()) == ["W026"] * found


@pytest.mark.parametrize(("use_tz", "found"), [(True, []), (False, ["E005"])])
def test_times_have_a_time_zone(use_tz, found):
    with override_settings(USE_TZ=use_tz):
        assert ids(checks.check_time_zones()) == found


class Elsewhere:
    def db_for_read(self, model, **hints):
        return "postgresql" if model._meta.app_label == "actorqueues" else None


class Nowhere:
    def allow_migrate(self, db, app_label, **hints):
        return False if app_label == "actorqueues" else None


@pytest.mark.parametrize(("routers", "found"), [([], []), ([Elsewhere()], ["W028"]), ([Nowhere()], ["E004"])])
def test_routers_must_know_where_the_actors_are(routers, found):
    with override_settings(DATABASE_ROUTERS=routers, ACTORQUEUES={"DATABASE": "default"}):
        assert ids(checks.check_routing()) == found


@every_postgresql
def test_a_pooler_in_transaction_mode_is_proved(backend):
    assert {shares_sessions(backend) for _ in range(5)} == {backend == "pgbouncer"}


@pytest.mark.parametrize("backend", STORES[2:], indirect=True)
def test_what_does_not_work_behind_a_pooler_is_a_warning(backend, settings, monkeypatch):
    assert ids(checks.check_pooler(databases=[backend])) == ["W024"]
    settings.ACTORQUEUES = {**settings.ACTORQUEUES, "WAKEUP": "auto"}
    assert ids(checks.check_pooler(databases=[backend])) == ["W023", "W024"]
    monkeypatch.setitem(connections[backend].settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    assert ids(checks.check_pooler(databases=[backend])) == ["W023"]
    assert checks.check_pooler(databases=["default"]) == []


def test_without_a_pooler_there_is_nothing_to_say(backend):
    assert list(checks.check_pooler(databases=[backend])) == []


def test_a_server_that_is_away_is_left_to_others(database, django_db_blocker, monkeypatch):
    away = {**connections["postgresql"].settings_dict, "HOST": "/nowhere", "PORT": "1"}
    monkeypatch.setattr(connections["postgresql"], "settings_dict", away)
    database(connections["postgresql"])
    with django_db_blocker.unblock():
        assert checks.check_pooler(databases=["postgresql"]) == []
