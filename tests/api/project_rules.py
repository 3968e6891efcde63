"""What a project might have in its ``REST_FRAMEWORK`` settings: imported by servers that tests start."""

from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response


class ShopRenderer(JSONRenderer):
    media_type = "application/vnd.shop+json"


class ShopPages(CursorPagination):
    """Of a project whose own tables all have ``-created``."""

    cursor_query_param = "from"
    ordering = "-created"

    def get_paginated_response(self, data):
        return Response({"rows": data, "more": self.get_next_link()})


class ShortPages(CursorPagination):
    page_size = 2
    page_size_query_param = "size"
    max_page_size = 3


def own_errors(error, context):
    return Response({"wrong": str(error)}, status=418)
