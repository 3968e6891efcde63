"""What the tests of the inspector ask for, and how they read the answers."""

import re
from html import unescape

from django.urls import reverse
from django.utils.html import strip_tags


def page(model, name="changelist", *args):
    return reverse(f"admin:actorqueues_{model}_{name}", args=args)


def text_of(response):
    """What a reader sees, in one line."""
    assert response.status_code == 200, (response.status_code, response.content[:2000])
    return re.sub(r"\s+", " ", unescape(strip_tags(response.content.decode().replace("<", " <"))))


def operate(client, model, name, *keys, confirmed=True, follow=True, **more):
    """As the buttons do: once to be asked, and (``confirmed``) once more."""
    values = {"_selected_action": [str(key) for key in keys], **more}
    address = page(model, "operate", name)
    if not confirmed:
        return client.post(address, values)
    return client.post(address, {**values, "confirmed": "yes"}, follow=follow)
