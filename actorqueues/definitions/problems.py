"""Mistakes in definitions: raised where the class is made, or kept for the system checks."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True)
class Problem:
    """A mistake in a definition. ``id`` is the check's (``E010``), ``subject`` the class it is about."""

    id: str
    message: str
    hint: str
    subject: Any = None


class DefinitionInvalid(ImproperlyConfigured):
    """A definition cannot be used; ``problem`` says why and what to write instead."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.message} {problem.hint}")
