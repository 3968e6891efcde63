"""What forms and plain text say, as JSON would have said it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from actorqueues.api.form_fields import FormField, form_fields_of
from actorqueues.definitions.queue import Queue
from actorqueues.web.bodies import parsed_data

CSRF_FIELD = "csrfmiddlewaretoken"
PLAIN = FormField()


class PlainTextParser(BaseParser):
    media_type = "text/plain"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return stream.read().decode()
        except UnicodeDecodeError:
            raise ParseError("The text is not UTF-8.") from None


def payload_of(request: Request, queue: Queue[Any, Any]) -> Any:
    """The parsed payload. Raises ``UnsupportedMediaType`` for files that the queue's schema has no bytes for."""
    data = parsed_data(request)
    if isinstance(data, QueryDict):
        data = as_json(data, form_fields_of(queue))
    return None if queue.body is None and data in ({}, "") else data


def as_json(form: QueryDict, fields: Mapping[str, FormField]) -> dict[str, Any]:
    """One value for each name; a list where several came, or where the schema has one."""
    found: dict[str, Any] = {}
    for name in form:
        if name == CSRF_FIELD:
            continue
        field = fields.get(name, PLAIN)
        values = [value_of(name, value, field) for value in form.getlist(name)]
        found[name] = values if len(values) > 1 or field.takes_several else values[0]
    return found


def value_of(name: str, value: Any, field: FormField) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    if not field.takes_files:
        raise UnsupportedMediaType(
            "multipart/form-data", f'"{name}" is a file, and this queue takes none there.'
        )
    return base64.b64encode(value.read()).decode()
