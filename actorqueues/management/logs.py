"""What ``runactors`` prints: the log of ``actorqueues``, or what the project's LOGGING says."""

from __future__ import annotations

import logging

from django.core.management.base import CommandError

FORMAT = "%(asctime)s %(levelname)-7s %(message)s"


def show_log(level: str | None, path: str | None) -> None:
    """Sets the level and, where nothing takes the log's lines yet or a file is named, a handler for them."""
    logger = logging.getLogger("actorqueues")
    names = logging.getLevelNamesMapping()
    if level is not None and level not in names:
        raise CommandError(f"--log-level {level} is not a level: take DEBUG, INFO, WARNING or ERROR.")
    if level is not None or logger.level == logging.NOTSET:
        logger.setLevel(names[level or "INFO"])
    if path is None and logger.hasHandlers():
        return
    handler = logging.StreamHandler() if path is None else opened(path)
    handler.setFormatter(logging.Formatter(FORMAT))
    logger.addHandler(handler)
    logger.propagate = False


def opened(path: str) -> logging.Handler:
    try:
        return logging.FileHandler(path)
    except OSError as error:
        raise CommandError(f"--log-file {path} cannot be written: {error.strerror}.") from error
