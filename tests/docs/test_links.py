"""Links in README.md and docs/ lead somewhere."""

import re

import pytest

from tests.docs.pages import PROJECT, pages

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^#+ (?P<text>.+)$", re.MULTILINE)
EXTERNAL = ("http://", "https://", "mailto:")


def prose(page):
    return FENCE.sub("", page.read_text())


def anchors(page):
    """As GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading["text"].lower()).replace(" ", "-")
        for heading in HEADING.finditer(prose(page))
    }


def broken_links(page):
    for match in LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if match["target"].startswith(EXTERNAL):
            continue
        path = (page.parent / target).resolve() if target else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            yield match["target"]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page):
    assert list(broken_links(page)) == []


def test_every_page_can_be_reached_from_the_index():
    seen, waiting = set(), [PROJECT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = (match["target"].partition("#")[0] for match in LINK.finditer(prose(page)))
        waiting += [(page.parent / target).resolve() for target in targets if target and "://" not in target]
    assert set(pages()) - seen == set()
