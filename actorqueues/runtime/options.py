from __future__ import annotations

from dataclasses import dataclass, field

from actorqueues.conf import settings
from actorqueues.definitions.registry import registry


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How one worker works. None takes the setting of the same name; times are in seconds."""

    database: str | None = None
    include: tuple[str, ...] = ()  # actor types; empty is all
    exclude: tuple[str, ...] = ()
    max_resident: int | None = None  # actors in memory at most
    lanes: int | None = None
    batch_size: int | None = None  # messages read ahead of one queue of one actor
    poll_interval: float | None = None
    sleep_after: float | None = None
    lease: float | None = None
    grace: float | None = None
    drain: bool = False  # work until nothing is due, then end
    exits_when_stalled: bool = False  # only a process of its own may end itself

    @property
    def using(self) -> str:
        return self.database or settings.DATABASE

    @property
    def types(self) -> list[str]:
        """The actor types this worker serves, in the order of their names."""
        known = sorted(actor.definition.type_name for actor in registry.all())
        chosen = [name for name in known if not self.include or name in self.include]
        return [name for name in chosen if name not in self.exclude]

    def resolved_sleep_after(self) -> float:
        if self.drain:
            return 0.0  # an actor with nothing due is done
        return settings.SLEEP_AFTER if self.sleep_after is None else self.sleep_after

    def resolved(self) -> ResolvedOptions:
        return ResolvedOptions(
            using=self.using,
            types=self.types,
            max_resident=self.max_resident or settings.MAX_RESIDENT,
            lanes=self.lanes or settings.LANES,
            batch_size=self.batch_size or settings.BATCH_SIZE,
            poll_interval=self.poll_interval or settings.POLL_INTERVAL,
            sleep_after=self.resolved_sleep_after(),
            lease=self.lease or settings.LEASE,
            grace=settings.GRACE if self.grace is None else self.grace,
            drain=self.drain,
            exits_when_stalled=self.exits_when_stalled,
        )


@dataclass(frozen=True, slots=True)
class ResolvedOptions:
    using: str
    types: list[str]
    max_resident: int
    lanes: int
    batch_size: int
    poll_interval: float
    sleep_after: float
    lease: float
    grace: float
    drain: bool
    exits_when_stalled: bool
    stall_limit: float = field(default_factory=lambda: settings.STALL_LIMIT)
