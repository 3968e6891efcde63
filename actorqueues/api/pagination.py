"""Pages of actors: by cursor, as the project has them."""

from __future__ import annotations

from functools import cache
from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination, Cursor, CursorPagination
from rest_framework.request import Request
from rest_framework.settings import api_settings

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class ByKey(CursorPagination):
    """What holds for lists of actors, whatever else the project's own cursors do."""

    page_size_query_param = "limit"
    max_page_size = MAX_PAGE_SIZE

    def get_page_size(self, request: Request) -> int:
        return super().get_page_size(request) or PAGE_SIZE

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        """The only order of one type's actors that has no equals and an index."""
        return ("key",)

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Raises ``NotFound`` also for what no database takes."""
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and "\x00" in str(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor


def default_pagination() -> type[BasePagination]:
    """The project's ``DEFAULT_PAGINATION_CLASS`` if it is one of cursors, else DRF's. Others count and skip rows."""
    own = api_settings.DEFAULT_PAGINATION_CLASS
    by_cursor = isinstance(own, type) and issubclass(own, CursorPagination)
    return with_rules(own) if by_cursor else ByKey


@cache
def with_rules(own: type[CursorPagination]) -> type[BasePagination]:
    """``own``, ordered by key; what it leaves open is filled in."""
    filled = {
        "page_size_query_param": own.page_size_query_param or ByKey.page_size_query_param,
        "max_page_size": own.max_page_size or ByKey.max_page_size,
    }
    return type(own.__name__, (ByKey, own), filled)
