"""The German catalogue, as it is stored."""

import re
from pathlib import Path

import polib

import actorqueues

APP = Path(actorqueues.__file__).parent
STORED = APP / "locale" / "de" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[sd%]")


def entries(path=STORED):
    """What is to be translated, without what is there no more."""
    return [entry for entry in polib.pofile(str(path)) if not entry.obsolete]


def names(found):
    """What a text is looked up by."""
    return {(entry.msgctxt, entry.msgid, entry.msgid_plural) for entry in found}


def placeholders(text):
    return sorted(PLACEHOLDER.findall(text))
