"""Filters of the lists. What they offer comes from the code and from indexes, never from all rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from actorqueues.definitions.registry import registry
from actorqueues.diagnosis.conditions import Condition, Selection, in_condition
from actorqueues.diagnosis.names import types_in_database


class TypeFilter(SimpleListFilter):
    """Actor types that this process has code for, and those that are stored without any."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
        known = {actor.type_name for actor in registry.all()}
        return [(name, name) for name in sorted(known | set(types_in_database(model_admin.using)))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = self.value()
        if wanted is None:
            return queryset
        return queryset.none() if "\x00" in wanted else queryset.filter(type=wanted)


class ConditionFilter(SimpleListFilter):
    title = _("status")
    parameter_name = "status"
    selection: Selection | None = None
    """Once rows were asked for."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return Condition.choices

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Tombstones are shown only to who asks for them."""
        wanted = self.value()
        if wanted is None:
            return queryset.exclude(status=Condition.DESTROYED)
        actors: Any = queryset
        self.selection = in_condition(actors, wanted, queryset.db)
        return self.selection.actors
