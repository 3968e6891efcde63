"""Where a fault happens: a database, workers on it, and processes that send to them all the while."""

import random
import time
from collections import Counter

from django.db import connections

from actorqueues.models import Message, Worker
from tests.faults.account import account_of
from tests.faults.promises import BrokenPromise, broken_promises, crashes_counted, failures_counted, settled
from tests.fixtures.proxy import PostgresProxy
from tests.playground.actors import Clerk
from tests.processes.evidence import all_settled, eventually, sessions_of

SETTINGS = {
    "LEASE": 2.0,
    "POLL_INTERVAL": 0.2,
    "GRACE": 20,
    "MAX_CRASHES": None,
    "MAX_DEPTH": None,
    "REPLY_RETENTION": 3600,
}
PATIENCE = 60  # seconds in which work must go on after a fault; on an idle machine it takes two or three


class Stage:
    """One run of one scenario."""

    def __init__(self, backend, starter, seed, *, server=None, settings=None):
        self.backend, self.starter, self.server = backend, starter, server
        self.seed, self.random = seed, random.Random(seed)
        self.settings = {**SETTINGS, **(settings or {})}
        self.workers, self.senders, self.ended = [], {}, []
        self.proxy = None
        self.counts = Counter()
        self.marks = set()  # start marks that had committed when their worker died
        self.backlog = {}  # what this process sent itself: how many to each key
        self.slowest = 0.0  # seconds until throughput was back
        self.has_trouble = False  # the database itself fails: senders may get errors, handlers too

    @property
    def connection(self):
        return connections[self.backend]

    # Who is on it

    def add_proxy(self):
        """From now on workers and senders reach the database through it. This process does not."""
        self.proxy = PostgresProxy(self.backend)

    @property
    def route(self):
        return None if self.proxy is None else self.proxy.address

    def add_workers(self, count):
        added = [
            self.starter("--no-supervise", settings=self.settings, route=self.route) for _ in range(count)
        ]
        self.workers += added
        for worker in added:
            worker.wait_for_output("worker starts", timeout=PATIENCE)
        return added

    def add_senders(self, count, **options):
        for _ in range(count):
            name = f"sender-{len(self.senders)}"
            record = self.starter.directory / f"{name}.jsonl"
            given = [f"--{option}={value}" for option, value in options.items()]
            process = self.starter.module(
                "tests.faults.sender", name, record, f"--seed={self.seed}", *given,
                settings=self.settings, route=self.route,
            )  # fmt: skip
            self.senders[name] = process, record
        for process, record in self.senders.values():
            eventually(lambda record=record, process=process: begun(record, process))

    def add_backlog(self, key, count, seconds):
        """Work for an actor, sent by this process."""
        first = self.backlog.get(key, 0) + 1
        numbers = range(first, first + count)
        slips = [{"sender": "stage", "number": number, "seconds": seconds} for number in numbers]
        Clerk.get_or_create(key).send_many(Clerk.jot, slips)
        self.backlog[key] = numbers[-1]

    def remove_worker(self, worker):
        """It has ended, and was meant to."""
        self.workers.remove(worker)
        self.ended.append(worker)

    def wait_a_little(self, most=0.3):
        """By chance, so that a fault hits at any point."""
        time.sleep(self.random.uniform(0, most))

    # What they do

    def wait_for_progress(self, least=20, timeout=PATIENCE):
        """Until so many more messages are acknowledged."""
        wanted = settled() + least

        def goes_on():
            """Work goes on."""
            self.refuse_ended()
            return settled() >= wanted

        eventually(goes_on, timeout=timeout, every=0.05)

    def refuse_ended(self):
        for process in (*self.workers, *(process for process, _ in self.senders.values())):
            if process.returncode is not None:
                raise BrokenPromise(f"{process} ended with {process.returncode}:\n{process.output[-5000:]}")

    def forget_connection(self):
        """This process' own: the next query makes a new one."""
        connections[self.backend].close()

    def worker_ids(self, worker):
        """Under which ids it is known: one, or two for a moment when it begins anew."""
        return set(Worker.objects.filter(pid=worker.pid).values_list("id", flat=True))

    @property
    def lease_was_lost(self):
        """A worker was too slow to renew, without any fault of ours: the machine was busy."""
        return any("lost its lease" in worker.output for worker in (*self.workers, *self.ended))

    def note_marks(self, worker):
        """After the end of a worker: what it had in flight. Nothing that it asked for is under way any more."""
        eventually(lambda: not sessions_of(worker))
        in_flight = Message.objects.in_flight().filter(actor__worker_id__in=self.worker_ids(worker))
        marks = set(in_flight.values_list("uid", "started_at"))
        self.marks |= marks
        self.counts["in flight at a crash"] += len(marks)

    # The end

    def finish(self):
        """No more is sent, everything that was is settled, and what was promised is looked at."""
        for process, _ in self.senders.values():
            process.terminate()
        codes = {name: process.wait(timeout=200) for name, (process, _) in self.senders.items()}
        eventually(all_settled, timeout=120)
        account = account_of({name: record for name, (_, record) in self.senders.items()})
        for key, last in self.backlog.items():
            account.sent[key, "stage"].sure.update(range(1, last + 1))
        self.count_up(account)
        broken = [*broken_promises(account), *self.broken_counts(account)]
        broken += [f"{name} ended with {code}" for name, code in codes.items() if code != 0]
        for worker in (*self.workers, *self.ended):
            if "a part of the worker failed" in worker.output:
                broken.append(f"a part of {worker.name} failed")
        if broken:
            raise BrokenPromise("\n".join(broken))
        return account

    def count_up(self, account):
        kinds = account.kinds
        self.counts["sent"] = account.total
        self.counts["settled"] = settled()
        self.counts["replies"] = kinds["reply"]
        self.counts["replies found later"] = kinds["found"]
        self.counts["sends repeated"] = kinds["repeat"]
        self.counts["sends without an answer"] = kinds["unclear"]
        self.counts["redelivered"] = sum(crashes_counted().values())
        self.counts["failed attempts"] = sum(failures_counted().values())

    def broken_counts(self, account):
        if not self.has_trouble:
            if troubled := account.kinds["repeat"] + account.kinds["unclear"]:
                yield f"{troubled} sends failed, although the database was well"
            if burnt := failures_counted():
                yield f"attempts were burnt: {burnt}"

    def close(self):
        for process in (*self.workers, *(process for process, _ in self.senders.values())):
            process.kill_family()
        if self.proxy is not None:
            self.proxy.close()


def begun(record, process):
    if process.returncode is not None:
        raise BrokenPromise(f"{process} ended with {process.returncode}:\n{process.output[-5000:]}")
    return record.exists() and record.read_text().endswith("\n")
