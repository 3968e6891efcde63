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

REQUEST_TOKEN = "POST with wait to a view that inserts a row: daphne, token"
REQUEST_SESSION = "POST with wait to a view that inserts a row: daphne, session"
REQUEST_WSGI = "POST with wait to a view that inserts a row: WSGI, token"
WAITER_MEMORY = "memory of one waiting request, daphne"
WAITER_THREADS = "threads of daphne, meanwhile"
WAITER_CONNECTIONS = "connections to the database, meanwhile"
WAITER_OTHERS = "other requests meanwhile, p50"
WAITER_FREED = "hung-up requests, until all are freed"
EVENT_P50 = "broadcast(live=True) to one of the sockets, p50"
EVENT_P99 = "broadcast(live=True) to one of the sockets, p99"
EVENT_ALL = "broadcast(live=True) to all sockets, the last"
SOCKET_MEMORY = "memory of one WebSocket, daphne"
INSPECTOR = {
    "overview": "the overview, 1,000,000 messages and 100,000 actors",
    "actorinstance": "pages of actors, the same",
    "message": "pages of messages, the same",
    "deadletter": "pages of dead letters, the same",
    "worker": "pages of workers, the same",
}
INSPECTOR_QUERIES = "queries of a page, at most"
REQUEST_RATE = "POST with wait, daphne, token, no middleware"


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
    WAITER_MEMORY: both(36),
    WAITER_THREADS: both(16),
    WAITER_CONNECTIONS: {"postgresql": 6},
    WAITER_OTHERS: both(10),
    WAITER_FREED: both(1000),
    EVENT_P50: {"postgresql": 5, "sqlite": 10},
    EVENT_P99: {"postgresql": 15, "sqlite": 25},
    EVENT_ALL: both(150),
    SOCKET_MEMORY: both(30),
    REQUEST_TOKEN: {"postgresql": 1.0},
    REQUEST_SESSION: {"postgresql": 0.9},
    REQUEST_WSGI: {"postgresql": 0.9},
    REQUEST_RATE: {"postgresql": 360},
    **{name: {"postgresql": 300} for name in INSPECTOR.values()},
    INSPECTOR_QUERIES: {"postgresql": 29},
}
