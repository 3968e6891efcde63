from __future__ import annotations

import logging


class Failures(logging.Handler):
    """What actors raised, in order. The runtime tells of what fails outside a delivery by its log alone."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def add(self, error: BaseException) -> None:
        if not any(error is known for known in self.errors):
            self.errors.append(error)

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.add(record.exc_info[1])

    def begin(self) -> None:
        logging.getLogger("actorqueues.activation").addHandler(self)

    def end(self) -> None:
        logging.getLogger("actorqueues.activation").removeHandler(self)


def raise_all(errors: list[BaseException]) -> None:
    """One as it is, several as a group."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup("several attempts failed", errors)
