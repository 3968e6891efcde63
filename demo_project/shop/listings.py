"""The code that makes a page work, read from where it runs: it cannot be out of date."""

import inspect
from dataclasses import dataclass
from typing import Any

from django.contrib.staticfiles.finders import find
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JavascriptLexer, PythonLexer


@dataclass(frozen=True)
class Listing:
    place: str
    html: SafeString


def python_listing(code: Any) -> Listing:
    """Of a class or function."""
    place = f"{code.__module__.replace('.', '/')}.py"
    return Listing(f"{place} · {code.__name__}", marked(inspect.getsource(code), PythonLexer()))


def script_listing(name: str) -> Listing:
    """Of a module in the static files."""
    with open(find(f"shop/{name}"), encoding="utf-8") as file:
        return Listing(f"static/shop/{name}", marked(file.read(), JavascriptLexer()))


def marked(text: str, lexer: Any) -> SafeString:
    # Pygments escapes what it marks.
    return mark_safe(highlight(text, lexer, HtmlFormatter(nowrap=True, classprefix="t-")))
