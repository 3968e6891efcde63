"""What ``runactors`` prints: the log of ``actorqueues``, or what the project's LOGGING says."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from django.core.management.base import CommandError

STANDARD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


class JsonFormatter(logging.Formatter):
    """A line of JSON a record: time (ISO 8601, UTC), level, logger, message, and what ``extra`` gave as fields."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TerminalHandler(logging.StreamHandler[TextIO]):
    """To what ``sys.stderr`` is at that moment: a live table lets lines pass above it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # an attribute there, a question here
        return sys.stderr


def show_log(level: str | None, path: str | None, form: str | None) -> None:
    """Sets the level and, where nothing takes the log's lines yet or something is asked for, a handler for them."""
    logger = logging.getLogger("actorqueues")
    names = logging.getLevelNamesMapping()
    if level is not None and level not in names:
        raise CommandError(f"--log-level {level} is not a level: take DEBUG, INFO, WARNING or ERROR.")
    if level is not None or logger.level == logging.NOTSET:
        logger.setLevel(names[level or "INFO"])
    if path is None and form is None and logger.hasHandlers():
        return
    handler = TerminalHandler() if path is None else opened(path)
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(FORMAT))
    logger.addHandler(handler)
    logger.propagate = False


def opened(path: str) -> logging.Handler:
    try:
        return logging.FileHandler(path)
    except OSError as error:
        raise CommandError(f"--log-file {path} cannot be written: {error.strerror}.") from error
