"""Mail is deleted by a person: as much as a page has time for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.utils.translation import gettext

from actorqueues.admin.operations import PATIENCE, Done, Operator
from actorqueues.storage.purging import Purged
from actorqueues.wakeups import announce_after_commit

T = TypeVar("T")


def purging(
    steps_of: Callable[[T, Operator], Iterable[Purged]],
) -> Callable[[Sequence[T], Operator, Done[T]], None]:
    """As far as it comes in ``PATIENCE``: a page that works for minutes would be cut off anyway."""

    def work(targets: Sequence[T], by: Operator, done: Done[T]) -> None:
        give_up_at = time.monotonic() + PATIENCE
        for target in done.each(targets):
            for step in steps_of(target, by):
                done.count(target, step.messages)
                announce_after_commit("done", step.answered, using=by.using)
                announce_after_commit("work", step.woken, using=by.using)
                if time.monotonic() > give_up_at:
                    done.rest = gettext("There is more: purge again, or use manage.py actorqueues purge.")
                    return
            done.count(target, 0)

    return work
