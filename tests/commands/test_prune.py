"""``actorqueues prune``."""

import pytest
from django.core.management import CommandError

from actorqueues.models import DeadLetter, Outcome
from actorqueues.storage.pruning import KINDS
from tests.commands.test_actorqueues import command, rows
from tests.docs.pages import PROJECT
from tests.storage.outgoing import to
from tests.storage.test_outside_changes import bury


@pytest.fixture
def letters(backend):
    """Of now, with an outcome each that expires in ten minutes."""
    for _ in range(5):
        bury(to())


def test_prune_leaves_what_has_not_expired(letters):
    assert rows(command("prune")) == [["KIND", "DELETED"], *([kind.name, "0"] for kind in KINDS)]
    assert DeadLetter.objects.count() == Outcome.objects.count() == 5


def test_prune_of_a_kind_takes_another_age_and_only_counts_when_dry(letters):
    wanted = ("prune", "--kind", "dead-letters", "--older-than", "0s", "--batch-size", "2")
    assert rows(command(*wanted, "--dry-run")) == [["KIND", "WOULD", "GO"], ["dead-letters", "5"]]
    assert DeadLetter.objects.count() == 5
    assert rows(command(*wanted)) == [["KIND", "DELETED"], ["dead-letters", "5"]]
    assert (DeadLetter.objects.count(), Outcome.objects.count()) == (0, 5)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--older-than", "7d"], "--older-than needs --kind"),
        (["--kind", "outcomes", "--older-than", "7d"], "say themselves when they expire"),
        (["--kind", "tombstones", "--older-than", "7d"], "kept for 30 days at least"),
        (["--kind", "dead-letters", "--older-than", "7"], "'7' is not an age"),
        (["--kind", "everything"], "invalid choice"),
    ],
)
def test_mistakes_are_refused(letters, arguments, complaint):
    with pytest.raises(CommandError) as caught:
        command("prune", *arguments)
    assert complaint in str(caught.value)
    assert DeadLetter.objects.count() == 5


def test_every_kind_is_in_the_reference():
    text = (PROJECT / "docs" / "reference" / "commands.md").read_text()
    assert [kind.name for kind in KINDS if f"| `{kind.name}` |" not in text] == []
