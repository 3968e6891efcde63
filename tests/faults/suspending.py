"""Stopping a process at a certain point."""

import signal
import sqlite3
import time
from contextlib import closing, contextmanager

from tests.processes.evidence import eventually


@contextmanager
def suspended(process, is_there):
    """Stopped (SIGSTOP) where ``is_there()`` says that it is where it should be; goes on afterwards (SIGCONT)."""

    def stopped_there():
        """The process could be stopped at this point."""
        process.signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(process.pid), every=0.001)
        if is_there():
            return True
        process.signal(signal.SIGCONT)
        time.sleep(0.005)
        return False

    try:
        eventually(stopped_there, every=0)
        yield
    finally:
        process.signal(signal.SIGCONT)


def is_stopped(pid):
    """All of its threads, not only that the signal was sent."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


def may_stop(connection):
    """Outside of transactions on SQLite: there only a process' own end would end one."""
    if connection.vendor != "sqlite":
        return True
    with closing(
        sqlite3.connect(connection.settings_dict["NAME"], timeout=0.2, isolation_level=None)
    ) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return False
        return True


def in_commit(stage, worker):
    """Its journal has a transaction open, has written, and waits for nobody but the worker."""
    with stage.connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid"
            " WHERE a.application_name = %s AND a.state = 'idle in transaction'"
            " AND l.relation = 'actorqueues_journal'::regclass AND l.mode = 'RowExclusiveLock'",
            [worker.name],
        )
        return cursor.fetchone()[0] > 0
