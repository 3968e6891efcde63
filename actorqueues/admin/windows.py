"""Lists of tables that may be large: what they look at, and how far they count."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from actorqueues.storage.dialects import dialect_for
from actorqueues.templatetags.actorqueues_admin import amount

if TYPE_CHECKING:

    class Base(Paginator[Any]): ...

else:
    Base = Paginator

NEWEST = 10_000  # rows that a filter looks at where no index serves it
COUNTED = 10_000  # rows; above that a count is estimated, or a page's last number is this


class BoundedPaginator(Base):
    """Never counts a whole table: exact up to ``COUNTED``, else as the database estimates it."""

    @cached_property
    def counted(self) -> int:
        """One more than ``COUNTED`` where there are more."""
        rows: Any = self.object_list
        return int(rows.order_by()[: COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        if self.counted <= COUNTED or rows.query.where:
            return min(self.counted, COUNTED)
        return max(self.counted, estimated_count(rows))

    @property
    def note(self) -> str:
        """What ``count`` does not tell; empty where it is exact."""
        if self.counted <= COUNTED:
            return ""
        if self.count > COUNTED:
            text = _("About %(count)s, as the database estimates. The list ends after %(most)s.")
        else:
            text = _("There are more than %(most)s. The list ends there.")
        return text % {"count": amount(self.count), "most": amount(COUNTED)}

    @cached_property
    def num_pages(self) -> int:
        """No further than ``COUNTED`` rows: to reach a page the database walks over all before it."""
        return min(super().num_pages, ceil(COUNTED / self.per_page))


def estimated_count(rows: QuerySet[Any]) -> int:
    """Of all rows of the table. 0 where the database has no idea."""
    return dialect_for(rows.db).estimate_rows(connections[rows.db], rows.model)


def newest(rows: QuerySet[Any], field: str) -> QuerySet[Any]:
    """The ``NEWEST`` rows by an indexed field, as a filter: what is filtered further reads no more than these."""
    ordered = rows.model._default_manager.using(rows.db).order_by(f"-{field}")
    floor = ordered.values_list(field, flat=True)[NEWEST - 1 : NEWEST].first()
    return rows if floor is None else rows.filter(**{f"{field}__gte": floor})
