"""One of a kind for each database in a process."""

import os
import threading
import time

from actorqueues.singletons import PerDatabase

AT_ONCE = 8


def test_threads_that_ask_at_once_get_the_same_one():
    made = []
    together = threading.Barrier(AT_ONCE)

    def make(using):
        time.sleep(0.05)  # the others come meanwhile
        made.append(object())
        return made[-1]

    def ask():
        together.wait(10)
        found.append(one_of("default"))

    one_of, found = PerDatabase(make), []
    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(made) == 1
    assert found == made * AT_ONCE


def test_each_database_has_its_own():
    one_of = PerDatabase(lambda using: [using])
    assert one_of("default") is not one_of("postgresql")
    assert list(one_of) == [["default"], ["postgresql"]]


def test_a_forked_child_starts_anew_even_if_another_thread_was_making_one():
    one_of = PerDatabase(lambda using: os.getpid())
    assert one_of("default") == os.getpid()
    with one_of.making:  # as another thread would hold it: the child has no such thread
        child = os.fork()
        if child == 0:
            threading.Timer(10, os._exit, [2]).start()  # it waits for the lock
            os._exit(0 if one_of("default") == os.getpid() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
