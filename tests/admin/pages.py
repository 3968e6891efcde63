"""What the tests of the inspector ask for, and how they read the answers."""

import re
from html import unescape
from html.parser import HTMLParser

from django.urls import reverse
from django.utils.html import strip_tags


def page(model, name="changelist", *args):
    return reverse(f"admin:actorqueues_{model}_{name}", args=args)


def text_of(response):
    """What a reader sees, in one line."""
    assert response.status_code == 200, (response.status_code, response.content[:2000])
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode().replace("<", " <"))))


def operate(client, model, name, *keys, confirmed=True, follow=True, note="", **more):
    """As the buttons do: once to be asked, and (``confirmed``) once more."""
    values = {"_selected_action": [str(key) for key in keys], **more}
    asked = client.post(page(model, "operate", name), values)
    return confirm(client, asked, follow=follow, note=note) if confirmed else asked


def confirm(client, asked, follow=True, note=""):
    """Says yes to the page that asks; any other answer is given back as it is."""
    question = Question()
    question.feed(asked.content.decode())
    if question.address is None:
        return client.get(asked.url) if follow and asked.status_code == 302 else asked
    return client.post(question.address, {**question.values, "note": note}, follow=follow)


class Question(HTMLParser):
    """The form of the page that asks: where it goes, and what it carries."""

    def __init__(self):
        super().__init__()
        self.address, self.values = None, {}

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and given.get("class") == "aq-confirm":
            self.address = given["action"]
        elif tag == "input" and self.address is not None and given.get("type") == "hidden":
            self.values[given["name"]] = given["value"]
