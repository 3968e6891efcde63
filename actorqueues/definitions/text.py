"""Text that every database can hold."""

TRACEBACK = "Traceback (most recent call last)"
CUT = f"{TRACEBACK}, its beginning is cut off:\n"


def storable(text: str, limit: int = 8000) -> str:
    """The end of ``text`` (``limit`` characters), with NUL and lone surrogates spelled out: PostgreSQL takes neither.

    For what only people read, such as an error; data that holds them is refused instead. The end of a traceback
    says that it is one: by that it is known what must not be told outside.
    """
    end = text[-limit:]
    if len(text) > limit and TRACEBACK in text and TRACEBACK not in end:
        end = CUT + end[len(CUT) :]
    return end.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


def shortened(text: str, limit: int) -> str:
    """Both ends of what is longer than ``limit`` characters: what is wrong may stand at either."""
    if len(text) <= limit:
        return text
    end = (limit - 3) // 2
    return f"{text[:end]} … {text[-end:]}"
