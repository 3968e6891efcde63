"""What forms and plain text say, as JSON would have said it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, get_args, get_origin

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from pydantic import BaseModel
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from actorqueues.definitions.queue import Queue

MANY = (list, tuple, set, frozenset)
CSRF_FIELD = "csrfmiddlewaretoken"


class PlainTextParser(BaseParser):
    media_type = "text/plain"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        try:
            return stream.read().decode()
        except UnicodeDecodeError:
            raise ParseError("The text is not UTF-8.") from None


def payload_of(request: Request, queue: Queue[Any, Any]) -> Any:
    """The parsed payload. Raises ``UnsupportedMediaType`` for files that the queue's schema has no bytes for."""
    data = request.data
    if isinstance(data, QueryDict):
        data = form_fields(data, fields_of(queue))
    return None if queue.body is None and data in ({}, "") else data


def form_fields(form: QueryDict, annotations: Mapping[str, Any]) -> dict[str, Any]:
    """One value for each name; a list where several came, or where the schema has one."""
    fields = {}
    for name in form:
        if name == CSRF_FIELD:
            continue
        values = [field_value(name, value, annotations) for value in form.getlist(name)]
        several = len(values) > 1 or mentions(annotations.get(name), MANY)
        fields[name] = values if several else values[0]
    return fields


def field_value(name: str, value: Any, annotations: Mapping[str, Any]) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    if not mentions(annotations.get(name), (bytes,)):
        raise UnsupportedMediaType(
            "multipart/form-data", f'"{name}" is a file, and this queue takes none there.'
        )
    return base64.b64encode(value.read()).decode()


def fields_of(queue: Queue[Any, Any]) -> dict[str, Any]:
    """The annotations of a model's fields, by the names that clients use."""
    model = None if queue.body is None else queue.body.annotation
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def mentions(annotation: Any, types: tuple[type, ...]) -> bool:
    """``list[bytes] | None`` mentions both list and bytes."""
    here = annotation in types or get_origin(annotation) in types
    return here or any(mentions(part, types) for part in get_args(annotation))
