import time

from django.db import connections


def wait_for_lock(backend):
    """Returns when somebody on this PostgreSQL database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    give_up_at = time.monotonic() + 20
    while time.monotonic() < give_up_at:
        with connections[backend].cursor() as cursor:
            cursor.execute(waiting)
            if cursor.fetchone()[0]:
                return
        time.sleep(0.02)
    raise AssertionError("nobody waits")
