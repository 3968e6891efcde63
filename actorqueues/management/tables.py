"""Plain columns, for people and for ``awk`` alike."""

from __future__ import annotations

from collections.abc import Sequence

from django.core.management.base import OutputWrapper


def print_table(
    output: OutputWrapper, header: Sequence[str], rows: Sequence[Sequence[object]], *, nothing: str
) -> None:
    """Writes the rows below their header, numbers to the right; ``nothing`` where there are no rows."""
    if not rows:
        output.write(nothing)
        return
    texts = [[str(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numeric = [isinstance(value, int) for value in rows[0]]
    for row in (header, *texts):
        cells = zip(row, widths, numeric, strict=True)
        line = "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in cells)
        output.write(line.rstrip())
