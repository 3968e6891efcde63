"""The faults, each described once. ``strike`` is one stroke of it; the rest of a scenario is load."""

import signal
import time
from collections import Counter

from actorqueues.models import ActorInstance, Worker
from tests.faults.promises import BrokenPromise, crashes_counted, pages
from tests.faults.suspending import in_commit, may_stop, suspended
from tests.processes.evidence import eventually

BOTH = ("default", "postgresql")
POSTGRESQL = ("postgresql",)


class Scenario:
    """``rounds`` is the length of the short form."""

    databases = BOTH
    workers, senders, rounds = 2, 1, 2
    settings = {}
    load = {}
    needs_server = False  # one of its own, to stop and to start

    def __init__(self, stage):
        self.stage = stage

    @classmethod
    def name(cls):
        return cls.__name__.lower()

    def begin(self):
        self.stage.add_workers(self.workers)
        self.stage.add_senders(self.senders, **self.load)
        self.stage.wait_for_progress()

    def strike(self):
        raise NotImplementedError

    def broken(self):
        """What it promises beyond what always holds, after the end."""
        return ()

    def play(self, goes_on, tell=lambda scenario: None):
        """Strikes as long as ``goes_on(strokes so far)``. Raises ``BrokenPromise`` or what was not in time."""
        stage = self.stage
        self.begin()
        strokes = 0
        while goes_on(strokes):
            stage.wait_a_little()
            self.strike()
            strokes += 1
            stage.counts["strokes"] = strokes
            stage.wait_for_progress()
            tell(self)
        stage.finish()
        tell(self)
        if broken := list(self.broken()):
            raise BrokenPromise("\n".join(broken))


class Kill(Scenario):
    """A worker is killed (SIGKILL, or a second SIGTERM), another one started."""

    def strike(self):
        stage = self.stage
        worker = stage.random.choice(stage.workers)
        if stage.random.random() < 0.75:
            worker.kill()
        else:
            worker.terminate()
            worker.wait_for_output("worker stops")
            worker.terminate()
            worker.wait()
        stage.note_marks(worker)
        stage.remove_worker(worker)
        stage.counts["kills"] += 1
        stage.add_workers(1)

    def broken(self):
        """Every start mark that had committed is an attempt; nothing else is, while nobody else loses a lease."""
        wanted, counted = Counter(uid.hex for uid, _ in self.stage.marks), Counter(crashes_counted())
        if missing := wanted - counted:
            yield f"crashes that were not counted: {missing}"
        if not self.stage.lease_was_lost and (strange := counted - wanted):
            yield f"crashes of messages that were not in flight: {strange}"


class Stop(Scenario):
    """A worker is stopped by SIGTERM or SIGINT, another one started. No attempt is burnt, no lease is waited for."""

    rounds = 1
    settings = {"LEASE": 60}

    def strike(self):
        stage = self.stage
        worker = stage.random.choice(stage.workers)
        worker.signal(stage.random.choice((signal.SIGTERM, signal.SIGINT)))
        if (code := worker.wait(60)) != 0:
            raise BrokenPromise(f"{worker.name} ended with {code}:\n{worker.output[-5000:]}")
        stage.remove_worker(worker)
        stage.counts["stops"] += 1
        stage.add_workers(1)

    def broken(self):
        if crashes := crashes_counted():
            yield f"a stop counted as a crash: {crashes}"


class Freeze(Scenario):
    """A worker stands still (SIGSTOP) for longer than its lease, and goes on when others have taken over."""

    rounds = 1
    settings = {"GRACE": 600}  # a lost lease gives no grace: nothing of it may be waited for

    def strike(self):
        stage = self.stage
        worker = stage.random.choice(stage.workers)
        with suspended(worker, lambda: self.may_stop(worker)):
            old = stage.worker_ids(worker)
            begun = worker.output.count("begins anew")
            eventually(lambda: is_taken_over(old))
            stage.wait_for_progress()
        eventually(lambda: worker.output.count("begins anew") > begun)
        eventually(lambda: stage.worker_ids(worker) - old)
        stage.counts["takeovers"] += 1

    def may_stop(self, worker):
        return may_stop(self.stage.connection)


class FreezeInCommit(Freeze):
    """The same in the middle of a commit, with rows locked."""

    databases = POSTGRESQL

    def may_stop(self, worker):
        return in_commit(self.stage, worker)


def is_taken_over(worker_ids):
    """Others have taken over."""
    held = ActorInstance.objects.filter(worker_id__in=worker_ids).exists()
    return not held and not Worker.objects.filter(id__in=worker_ids).exists()


class Cuts(Scenario):
    """Connections are ended several times a second."""

    databases = POSTGRESQL
    rounds = 5

    def begin(self):
        self.stage.has_trouble = True
        super().begin()

    def strike(self):
        with self.stage.connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.5"
            )
            self.stage.counts["connections ended"] += cursor.fetchone()[0]


class LostAnswers(Scenario):
    """The answers to commits and sends are lost, and their connections with them."""

    databases = POSTGRESQL
    rounds = 4

    def begin(self):
        self.stage.has_trouble = True
        self.stage.add_proxy()
        super().begin()

    def strike(self):
        proxy = self.stage.proxy
        proxy.lose_answers("COMMIT", self.stage.random.randint(1, 4))
        proxy.lose_answers("INSERT", self.stage.random.randint(0, 2))
        eventually(lambda: proxy.is_done)
        self.stage.counts["lost answers to COMMIT"] = proxy.lost["COMMIT"]
        self.stage.counts["lost answers to INSERT"] = proxy.lost["INSERT"]


class Network(Scenario):
    """The network is cut at once, or lets nothing through for longer than a lease."""

    databases = POSTGRESQL
    rounds = 2

    def begin(self):
        self.stage.has_trouble = True
        self.stage.add_proxy()
        super().begin()

    def strike(self):
        stage = self.stage
        if stage.counts["network stalls"] <= stage.counts["network cuts"]:
            with stage.proxy.standing_still():
                time.sleep(stage.settings["LEASE"] * stage.random.uniform(0.5, 2))
            stage.counts["network stalls"] += 1
        else:
            stage.counts["connections ended"] += stage.proxy.cut()
            stage.counts["network cuts"] += 1


class Outage(Scenario):
    """The server is stopped (orderly, at once, by SIGKILL) and started again. Throughput comes back."""

    databases = POSTGRESQL
    needs_server = True
    rounds = 2
    ways = ("immediate", "kill", "fast")
    busy, seconds = 20, 0.25  # actors that are never out of work, and what each message takes them
    window = 2.0  # seconds that throughput is measured over
    back, most = 0.8, 30.0  # of the throughput, within so many seconds

    def begin(self):
        self.stage.has_trouble = True
        super().begin()
        self.usual = self.throughput()

    def throughput(self):
        """Messages a second of those that are never out of work: their own pace, not the machine's."""
        before = sum(self.keep_busy().values())
        began = time.monotonic()
        time.sleep(self.window)
        return (sum(self.keep_busy().values()) - before) / (time.monotonic() - began)

    def keep_busy(self):
        """Gives them more where less than some seconds of work is left. What each has done."""
        folds, done = pages(), {}
        for number in range(self.busy):
            key = f"jot busy {number}"
            done[key] = folds[key].count if key in folds else 0
            if self.stage.backlog.get(key, 0) - done[key] < 5 / self.seconds:
                self.stage.add_backlog(key, int(10 / self.seconds), self.seconds)
        return done

    def strike(self):
        stage = self.stage
        way = self.ways[stage.counts["outages"] % len(self.ways)]
        stage.counts["outages"] += 1
        stage.server.kill() if way == "kill" else stage.server.stop(way)
        stage.forget_connection()
        stage.wait_a_little(stage.settings["LEASE"] * 1.5)
        stage.server.start()
        began = time.monotonic()
        while (now := self.throughput()) < self.back * self.usual:
            if time.monotonic() - began > self.most:
                slow = f"{now:.0f} messages/s {self.most:g} s after it was stopped ({way})"
                raise BrokenPromise(f"{slow}, {self.usual:.0f} before")
        stage.slowest = max(stage.slowest, time.monotonic() - began)


SCENARIOS = {
    scenario.name(): scenario
    for scenario in (Kill, Stop, Freeze, FreezeInCommit, Cuts, LostAnswers, Network, Outage)
}
