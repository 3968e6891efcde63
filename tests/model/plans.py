"""What a run of the machine is made of: who does what, drawn by Hypothesis."""

from hypothesis import strategies as st

from tests.model.plain import QUEUES
from tests.storage.outgoing import to

KEYS = ("a", "b", "c")
IDS = {to(key).actor_id: key for key in KEYS}
LEASE = WINDOW = 2500.0  # time moves in steps of 1,000 s: no deadline is ever near
LIMIT = 4  # heads read at once
TABLES = (
    "actor",
    "message",
    "wake",
    "outcome",
    "deduplication",
    "dead_letter",
    "event",
    "pause",
    "worker",
    "journal",
)

a_key, a_queue = st.sampled_from(KEYS), st.sampled_from(QUEUES)
some_worker = st.integers(0, 2)
an_ending = st.sampled_from(["settle", "settle", "settle and send", "fail", "crash", "bury", "start", "save"])
a_plan = st.tuples(
    a_key,
    st.lists(st.tuples(an_ending, a_queue), min_size=1, max_size=4),
    st.sampled_from(["", "", "", "release", "destroy"]),
)
a_parcel = st.tuples(
    a_key,
    a_queue,
    st.booleans(),  # whether it keeps its outcome
    st.sampled_from([None, None, None, 500, 1500]),  # its delay
    st.sampled_from([None, None, "x", "y"]),  # its dedupe key
    st.integers(1, 3),  # how many of it
)
parcels = st.lists(a_parcel, min_size=1, max_size=2)
plans = st.lists(a_plan, min_size=1, max_size=3, unique_by=lambda plan: plan[0])
a_turn = st.tuples(
    some_worker,
    st.sampled_from([False, False, False, True]),  # whether the answer to its claim is lost
    st.booleans(),  # whether it rings
    st.booleans(),  # whether somebody cancels what it has read
    parcels,
    plans,
)
