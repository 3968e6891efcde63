"""What people do not see by default: values whose names say that they are secret."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

Kind = Literal["body", "headers", "params", "state", "event", "reply", "input"]
MASK: Final = "••••••"

# Django's own list (API, KEY, PASS, AUTH, TOKEN …, anywhere in a name) is for settings. Payloads have an "author",
# a "passenger", "capital", the "key" of another actor and "max_tokens": what is short or ordinary counts only as a
# whole word or together with another.
ANYWHERE = re.compile(
    "passw(or[dt]|d)|passphrase|passcode|secret(?!ar)|token(?!i[sz])|credential|authoriz|signature|cookie"
    "|apikey|(access|private|encryption|signing|master)key|sessionid|sessionkey|onetimecode"
    "|cardnumber|(credit|debit)card|securitycode|accountnumber|socialsecurity"
)
WORDS = frozenset(
    {"pass", "pwd", "pw", "pin", "auth", "oauth", "otp", "totp", "jwt", "bearer", "cvv", "cvc", "iban", "ssn"}
)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def masked(value: Any) -> Any:
    """The same JSON; what stands under a secret name, at any depth, is ``MASK``."""
    if isinstance(value, dict):
        return {name: MASK if is_secret(str(name), part) else masked(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part) for part in value]
    return value


def is_secret(name: str, value: Any) -> bool:
    """Null and true or false are no secrets, and neither is a number of tokens."""
    if value is None or isinstance(value, bool):
        return False
    words = [word.lower() for word in WORD.findall(name)]
    if words[-1:] == ["tokens"] and isinstance(value, int | float):
        return False
    return bool(WORDS.intersection(words) or ANYWHERE.search("".join(words)))
