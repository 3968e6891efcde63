from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from actorqueues.definitions.state import StateSchema


class StateDocument:
    """An activation's state: the live value, and the text that was submitted last."""

    def __init__(self, schema: StateSchema) -> None:
        self.schema = schema
        self.text: str | None = None
        self.previous: str | None = None
        self.touched = False
        self.upgrade: Callable[[Any], Any] | None = None
        self._value: Any = None

    def load(self, text: str, upgrade: Callable[[Any], Any]) -> None:
        """Takes what was stored. Raises ``StateInvalid``."""
        self._value = self.schema.load(text, upgrade)
        self.upgrade = upgrade
        self.text = self.previous = text
        # An upgraded state differs from what is stored: compare at the first step.
        self.touched = self.schema.dump(self._value) != text

    def begin(self) -> None:
        """A new actor's first state."""
        self._value = self.schema.initial()

    def submit_first(self) -> str:
        self.text = self.previous = self.schema.dump(self._value)
        return self.text

    @property
    def value(self) -> Any:
        # Once handed out it may be changed in place at any time: from then on each step compares.
        self.touched = True
        return self._value

    @value.setter
    def value(self, new: Any) -> None:
        self.touched = True
        self._value = new

    def changed(self) -> str | None:
        """The text to store if it differs from the submitted one; it counts as submitted then."""
        if not self.touched or self.text is None:
            return None
        text = self.schema.dump(self._value)
        if text == self.text:
            return None
        self.previous, self.text = self.text, text
        return text

    def forget_submission(self) -> None:
        """The text that ``changed`` gave was not stored after all."""
        self.text = self.previous

    def restore(self) -> None:
        """Back to what was submitted last: a failed attempt leaves no trace."""
        if self.touched:
            text = self.text
            self._value = self.schema.initial() if text is None else self.schema.load(text, self.upgrade)
