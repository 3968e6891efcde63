"""What can be done to actors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from actorqueues.admin.operations import Done, Operation, Operator
from actorqueues.admin.purging import purging
from actorqueues.diagnosis.unclaimed import is_unclaimed
from actorqueues.diagnosis.underway import queues_of
from actorqueues.models import ActorInstance, ActorStatus
from actorqueues.storage.actors import mark_destroying
from actorqueues.storage.hastening import wake_actor
from actorqueues.storage.pausing import pause_actor, resume_actor
from actorqueues.storage.purging import Purged, newest_message, purge_queue
from actorqueues.wakeups import announce_after_commit

Actors = Sequence[ActorInstance]
GONE = _("it is destroyed, or about to be.")


def is_here(actor: ActorInstance) -> bool:
    return actor.status in (ActorStatus.LIVE, ActorStatus.HELD)


def is_stopped(actor: ActorInstance) -> bool:
    return is_here(actor) and (actor.paused_at is not None or actor.status == ActorStatus.HELD)


def each(
    do: Callable[[ActorInstance, Operator], Any], applies: Callable[[ActorInstance], bool], reason: Any
) -> Callable[[Actors, Operator, Done[ActorInstance]], None]:
    """Does it to those it applies to, and asks for a look at them. ``do`` returns False where it was late."""

    def work(actors: Actors, operator: Operator, done: Done[ActorInstance]) -> None:
        try:
            for actor in done.each(actors):
                if not applies(actor):
                    done.refuse(reason if is_here(actor) else GONE, actor)
                elif do(actor, operator) is False:
                    done.refuse(GONE, actor)
                else:
                    done.targets.append(actor)
        finally:
            if done.targets:
                announce_after_commit("work", [actor.id for actor in done.targets], using=operator.using)

    return work


def pause(actor: ActorInstance, by: Operator) -> None:
    pause_actor(actor.id, actor.type, actor.key, user_id=by.user_id, using=by.using)


def resume(actor: ActorInstance, by: Operator) -> None:
    resume_actor(actor.id, actor.type, actor.key, user_id=by.user_id, using=by.using)


def wake(actor: ActorInstance, by: Operator) -> None:
    wake_actor(actor.id, actor.type, actor.key, user_id=by.user_id, using=by.using)


def destroy(actor: ActorInstance, by: Operator) -> bool:
    """The generation that was confirmed, and no later one."""
    generation = None if is_unclaimed(actor) else actor.generation
    return mark_destroying(
        actor.id, actor.type, actor.key, generation=generation, user_id=by.user_id, using=by.using
    )


def purge(actor: ActorInstance, by: Operator) -> Iterator[Purged]:
    for queue in queues_of(actor.id, actor.type, by.using):
        yield from purge_queue(actor.id, queue, newest=by.seen, user_id=by.user_id, using=by.using)


def can_be_paused(actor: ActorInstance) -> bool:
    return is_here(actor) and actor.paused_at is None


def can_be_woken(actor: ActorInstance) -> bool:
    return is_here(actor) and actor.paused_at is None and actor.worker_id is None and not is_unclaimed(actor)


OPERATIONS: Sequence[Operation[ActorInstance]] = (
    Operation(
        "pause",
        _("Pause"),
        "actorqueues.change_actorinstance",
        ngettext_lazy("Pause this actor?", "Pause these %(count)d actors?", "count"),
        ngettext_lazy("Paused %(count)d actor.", "Paused %(count)d actors.", "count"),
        each(pause, can_be_paused, _("it is paused already.")),
        warning=_(
            "Mail is stored, but not handled until they are resumed. What is in flight has GRACE seconds to be "
            "finished, then it goes back uncounted."
        ),
        applies=can_be_paused,
    ),
    Operation(
        "resume",
        _("Resume"),
        "actorqueues.change_actorinstance",
        ngettext_lazy("Resume this actor?", "Resume these %(count)d actors?", "count"),
        ngettext_lazy("Resumed %(count)d actor.", "Resumed %(count)d actors.", "count"),
        each(resume, is_stopped, _("it is neither paused nor held.")),
        applies=is_stopped,
    ),
    Operation(
        "wake",
        _("Wake"),
        "actorqueues.change_actorinstance",
        ngettext_lazy("Wake this actor?", "Wake these %(count)d actors?", "count"),
        ngettext_lazy("Woke %(count)d actor.", "Woke %(count)d actors.", "count"),
        each(wake, can_be_woken, _("it is awake, paused or new.")),
        warning=_("A worker loads them and looks at their mailboxes. A backoff goes on."),
        applies=can_be_woken,
    ),
    Operation(
        "purge",
        _("Purge the mailbox"),
        "actorqueues.delete_message",
        ngettext_lazy(
            "Delete all mail of this actor?", "Delete all mail of these %(count)d actors?", "count"
        ),
        ngettext_lazy("Deleted %(count)d message.", "Deleted %(count)d messages.", "count"),
        purging(purge),
        warning=_(
            "In all of its queues, but for what is in flight. Who waits for a reply gets “failed”. "
            "This cannot be undone."
        ),
        applies=is_here,
        sees=newest_message,
    ),
    Operation(
        "destroy",
        _("Destroy"),
        "actorqueues.delete_actorinstance",
        ngettext_lazy("Destroy this actor?", "Destroy these %(count)d actors?", "count"),
        ngettext_lazy("%(count)d actor will be destroyed.", "%(count)d actors will be destroyed.", "count"),
        each(destroy, is_here, GONE),
        warning=_(
            "A worker runs on_destroy and removes state, messages and dead letters; who waits for a reply gets "
            "“failed”. This cannot be undone."
        ),
        applies=is_here,
    ),
)
