"""What was wanted: by the name of the figure, for each database.

On two cores. Elsewhere the ratio to the bare database counts, against that of the machine below.
"""

REFERENCE_CORES = 2
REFERENCE_INSERTS = {"postgresql": 3_980, "sqlite": 79_118, "sqlite-full": 0}  # one-row INSERTs a second

DRAIN_MANY = "drain, 100 actors"
DRAIN_ONE = "drain, one actor"
DRAIN_COMPLETING = "drain, 100 actors: state and reply, each commit awaited"
SEND_DURING_P50 = "send while the worker drains, p50"
SEND_DURING_P99 = "send while the worker drains, p99"
SEND = "send, one by one"
SEND_RATIO = "send, one by one, to a bare INSERT"
SEND_MANY = "send_many"
ROUND_TRIP_P50 = "send(wait=True) and its reply, p50"
ROUND_TRIP_P99 = "send(wait=True) and its reply, p99"
DEEP_ONE = "drain with 1,000,000 waiting in one actor, to that with 10,000"
DEEP_SPREAD = "drain with 1,000,000 waiting over 100,000 actors, to that with 10,000"
DEEP_BUSY = "drain with 1,000,000 waiting behind 1,000 busy actors, to that with 10,000"
IDLE_RSS = "100,000 idle actors stored: the worker's memory, above none"
IDLE_CPU = "100,000 idle actors stored: the worker's idle CPU, above none"
IDLE_CLAIM = "100,000 idle actors stored: send to start, p99, above none"
IDLE_CLAIM_STORAGE = "100,000 idle actors stored: the claim itself, p99, above none"
TRACK = "drain with an outcome kept for each message, to that without"
RESIDENT = "memory of one resident idle actor"


def both(value: float) -> dict[str, float]:
    return {"postgresql": value, "sqlite": value}


TARGETS = {
    DRAIN_MANY: {"postgresql": 10_000, "sqlite": 15_000},
    DRAIN_ONE: both(3_000),
    SEND_DURING_P99: both(10),
    SEND: {"sqlite": 4_000},
    SEND_RATIO: {"postgresql": 0.6},
    SEND_MANY: both(40_000),
    ROUND_TRIP_P50: {"postgresql": 4, "sqlite": 5},
    DEEP_ONE: both(0.8),
    DEEP_SPREAD: both(0.8),
    DEEP_BUSY: both(0.8),
    IDLE_RSS: both(2),
    IDLE_CPU: both(0.5),
    IDLE_CLAIM: both(1),
    TRACK: both(0.6),
    RESIDENT: both(20),
}
