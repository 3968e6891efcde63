"""The catalogue of the one translation that there is: whole, and made of what the code says now."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import django
import polib
import pytest
import rest_framework
from django.utils.translation import gettext, override

from tests.admin.catalogue import APP, STORED, entries, names, placeholders

DJANGO = Path(django.__file__).parent
OTHERS = [
    DJANGO / "conf",
    DJANGO / "contrib/admin",
    DJANGO / "contrib/auth",
    Path(rest_framework.__file__).parent,
]


def test_everything_is_translated():
    assert len(entries()) > 300
    assert [entry.msgid for entry in entries() if not entry.translated()] == []
    assert [entry.msgid for entry in entries() if entry.fuzzy] == []
    assert polib.pofile(str(STORED)).obsolete_entries() == []


def test_placeholders_are_those_of_the_english_text():
    wrong = []
    for entry in entries():
        if entry.msgid_plural:
            one, many = entry.msgstr_plural[0], entry.msgstr_plural[1]
            fits = placeholders(many) == placeholders(entry.msgid_plural)
            # "one more" may well be "1 more" in another language
            fits &= placeholders(one) in (placeholders(entry.msgid), placeholders(many))
        else:
            fits = placeholders(entry.msgstr) == placeholders(entry.msgid)
        if not fits:
            wrong.append(entry.msgid)
    assert wrong == []


def test_the_compiled_catalogue_is_made_of_the_written_one():
    compiled = polib.mofile(str(STORED.with_suffix(".mo")))

    def content(found):
        return {(one.msgctxt, one.msgid): (one.msgstr, one.msgstr_plural) for one in found}

    assert content(compiled) == content(entries())
    assert compiled.metadata["Plural-Forms"] == "nplurals=2; plural=(n != 1);"


def test_the_catalogue_has_what_the_code_says_today(tmp_path):
    """If not, in the directory ``actorqueues``: ``django-admin makemessages -l de --add-location file --no-wrap``;
    translate; take away what is ``fuzzy``, and what is commented out; ``django-admin compilemessages``.
    """
    if shutil.which("xgettext") is None:
        pytest.skip("xgettext is not installed (Debian: gettext)")
    app = tmp_path / "actorqueues"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "django", "makemessages", "--locale=de", "--no-location", "--no-wrap"]
    environment = {**os.environ, "PYTHONPATH": str(APP.parent)}  # of the settings
    subprocess.run(command, cwd=app, check=True, capture_output=True, env=environment)
    found = names(entries(app / STORED.relative_to(APP)))
    assert found - names(entries()) == set(), "not in the catalogue"
    assert names(entries()) - found == set(), "said no more"


def test_what_others_say_as_well_is_said_in_their_words():
    """Apps share one catalogue for what has no context: whose words are taken depends on their order."""
    said = {}
    for directory in OTHERS:
        for entry in polib.mofile(str(directory / "locale" / "de" / "LC_MESSAGES" / "django.mo")):
            if entry.msgctxt is None:
                said.setdefault(entry.msgid, set()).add(entry.msgstr)
    ours = {entry.msgid: entry.msgstr for entry in entries() if entry.msgctxt is None}
    assert {"No, take me back", "Created"} <= ours.keys() & said.keys()
    assert {text: ours[text] for text in ours.keys() & said.keys() if ours[text] not in said[text]} == {}


def test_a_project_adds_a_language_and_has_the_last_word(settings, tmp_path):
    for language, text in (("fr", "Acteurs"), ("de", "Schauspieler")):
        directory = tmp_path / language / "LC_MESSAGES"
        directory.mkdir(parents=True)
        catalogue = polib.POFile()
        catalogue.metadata = {"Content-Type": "text/plain; charset=utf-8"}
        catalogue.append(polib.POEntry(msgid="actors", msgstr=text))
        catalogue.save_as_mofile(str(directory / "django.mo"))
    settings.LOCALE_PATHS = [tmp_path]
    with override("fr"):
        assert [gettext("actors"), gettext("dead letters")] == ["Acteurs", "dead letters"]
    with override("de"):
        assert [gettext("actors"), gettext("dead letters")] == ["Schauspieler", "unzustellbare Nachrichten"]
