"""Text that every database can hold."""


def storable(text: str, limit: int = 8000) -> str:
    """The end of ``text`` (``limit`` characters), with NUL and lone surrogates spelled out: PostgreSQL takes neither.

    For what only people read, such as an error; data that holds them is refused instead.
    """
    return text[-limit:].replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
