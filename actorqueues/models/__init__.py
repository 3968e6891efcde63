"""What is stored. Fields, constraints and named scopes; no behaviour: only ``storage`` writes."""

from actorqueues.models.actor import ActorInstance, ActorStatus
from actorqueues.models.dead_letter import DeadLetter, DeathReason
from actorqueues.models.deduplication import Deduplication
from actorqueues.models.event import Event
from actorqueues.models.history import HistoryEntry, HistoryKind
from actorqueues.models.message import Message
from actorqueues.models.outcome import Outcome, OutcomeStatus
from actorqueues.models.pause import Pause
from actorqueues.models.statistic import Overview, Statistic
from actorqueues.models.wake import Wake
from actorqueues.models.worker import Journal, Worker

__all__ = [
    "ActorInstance",
    "ActorStatus",
    "DeadLetter",
    "DeathReason",
    "Deduplication",
    "Event",
    "HistoryEntry",
    "HistoryKind",
    "Journal",
    "Message",
    "Outcome",
    "OutcomeStatus",
    "Overview",
    "Pause",
    "Statistic",
    "Wake",
    "Worker",
]
