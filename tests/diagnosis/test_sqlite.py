import pytest
from django.db import connections

from actorqueues.diagnosis import sqlite
from tests.fixtures.backends import only_sqlite

pytestmark = only_sqlite


@pytest.fixture
def pragma(backend):
    """Sets one, on this connection."""

    def set(text):
        with connections[backend].cursor() as cursor:
            cursor.execute(f"PRAGMA {text}")

    yield set
    connections[backend].close()  # the next connection has the settings' own


def test_synchronous_off_is_a_warning(level, pragma):
    assert level(sqlite.durability) == "ok"
    pragma("synchronous = OFF")
    assert level(sqlite.durability) == "warning"


def test_a_short_timeout_is_a_warning(level, pragma):
    assert level(sqlite.patience) == "ok"
    pragma("busy_timeout = 100")
    assert level(sqlite.patience) == "warning"


def test_a_log_that_is_never_taken_in_is_a_warning(look, pragma):
    assert set(look(sqlite.log)) == {"sqlite-wal"}
    pragma("wal_autocheckpoint = 0")
    assert look(sqlite.log)["sqlite-checkpoint"][0] == "warning"


def test_a_long_log_is_a_warning(look, pragma, monkeypatch):
    monkeypatch.setattr(sqlite, "BIG_LOG", 0)
    pragma("user_version = 7")  # a write
    assert look(sqlite.log)["sqlite-wal"][0] == "warning"


def test_a_network_file_system_is_an_error(look, level, backend, monkeypatch, tmp_path):
    assert level(sqlite.place) in ("ok", "info")
    path = sqlite.file_of(backend)
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nnas:/export {path.parent} nfs4 rw 0 0\n")
    kind = sqlite.file_system_of
    monkeypatch.setattr(sqlite, "file_system_of", lambda path: kind(path, mounts))
    found = look(sqlite.place)["sqlite-network"]
    assert found[0] == "error"
    assert "nfs4" in found[1]
    assert kind(path, tmp_path / "nothing") is None
