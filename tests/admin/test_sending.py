import json
import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from pydantic import BaseModel, Field, model_validator

from actorqueues import Actor, Queue
from actorqueues.admin.body_forms import BodyForm
from actorqueues.definitions.registry import registry
from actorqueues.models import Message
from tests.admin.pages import page, text_of
from tests.fixtures.workers import eventually

SEND = ("view_message", "send_message")


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Line(BaseModel):
    sku: str
    count: int = 1


class Parcel(BaseModel):
    price: Decimal = Field(Decimal(1), gt=0, le=500)
    first: Line
    second_line: Line | None = None
    wrapping: Colour
    ribbon: Colour = Field(Colour.RED, title="Bow")


class Order(BaseModel):
    name: str = Field(title="Who", description="Whose order it is", max_length=40)
    count: int = Field(ge=1, le=9, default=2)
    price: Decimal
    weight: float | None = None
    gift: bool
    express: bool | None = None
    colour: Colour = Colour.BLUE
    kind: Literal["sale"]
    due: date
    ships_at: datetime | None = Field(None, alias="shipsAt")
    note: str = ""
    lines: list[Line] = []
    owner: str | None

    @model_validator(mode="after")
    def blue_is_sold_out(self):
        if self.name == "everybody":
            raise ValueError("not everybody at once")
        return self


class Shop(Actor):
    orders = Queue(Order)
    stop = Queue(None)
    anything = Queue(Any)
    number = Queue(int)
    sums = Queue(dict[str, int])
    few = Queue(Line, max_depth=1)
    parcels = Queue(Parcel)

    async def run(self) -> None: ...


GOOD = {
    "body-name": "ann",
    "body-count": "3",
    "body-price": "1.10",
    "body-gift": "on",
    "body-colour": '"red"',
    "body-kind": '"sale"',
    "body-due": "2026-12-24",
    "body-note": "one\r\ntwo",
}


@pytest.fixture(autouse=True)
def a_shop(only_the_playground):
    registry.register(Shop)


def address(queue="orders", key="main", type_name="shop", **more):
    query = {"type": type_name, "queue": queue, "key": key, **more}
    return page("message", "add") + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def field(response, name):
    """The part of the page that is about one field."""
    html = response.content.decode()
    found = re.search(rf'<div class="form-row[^"]* field-{name}">.*?</div>\s*</div>', html, re.DOTALL)
    return found[0] if found else ""


def sent():
    message = Message.objects.get()
    return message, None if message.body is None else json.loads(message.body)


# Who may


def test_without_the_permission_there_is_no_form_and_a_forged_post_is_refused(staff, backend):
    client = staff("view_message", "change_message", "delete_message")
    assert page("message", "add") not in client.get(page("message")).content.decode()
    assert client.get(address()).status_code == 403
    assert client.post(address(), GOOD).status_code == 403
    assert not Message.objects.exists()
    assert page("message", "add") in staff(*SEND, name="bob").get(page("message")).content.decode()


# Where to


def test_queue_and_key_are_chosen_first(staff, backend):
    client = staff(*SEND)
    text = text_of(client.get(page("message", "add")))
    assert "shop: orders" in text
    assert "tally: increment" in text
    response = client.get(page("message", "add"), {"place": "shop/orders", "key": "a/b", "next": "/admin/"})
    assert response.url == page("message", "add") + "?type=shop&queue=orders&key=a%2Fb&next=%2Fadmin%2F"
    assert "This field is required" in text_of(
        client.get(page("message", "add"), {"place": "shop/orders", "key": ""})
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"type_name": "gone"}, "There is no actor type"),
        ({"queue": "gone"}, "has no queue"),
        ({"key": "%5C"}, "is not a stored key"),
        ({"key": "x" * 200}, "128 UTF-8 bytes"),
    ],
)
def test_a_place_that_is_not_there_is_chosen_again(given, said, staff, backend):
    assert said in text_of(staff(*SEND).get(address(**given)))


# The form


def test_fields_fit_the_schema(staff, backend):
    form = staff(*SEND).get(address()).context["body"]
    assert {name: type(one.widget).__name__ for name, one in form.fields.items()} == {
        "name": "AdminTextInputWidget",
        "count": "AdminIntegerFieldWidget",
        "price": "AdminTextInputWidget",
        "weight": "NumberInput",
        "gift": "CheckboxInput",
        "express": "Select",
        "colour": "Select",
        "kind": "Select",
        "due": "AdminDateWidget",
        "shipsAt": "AdminSplitDateTime",
        "note": "AdminTextareaWidget",
        "lines": "AdminTextareaWidget",
        "owner": "AdminTextareaWidget",
    }
    required = {name for name, one in form.fields.items() if one.required}
    assert required == {"name", "price", "kind", "due"}
    assert form["count"].initial == 2
    assert form["colour"].initial == '"blue"'


def test_labels_help_and_required_marks_come_from_the_schema(staff, backend):
    response = staff(*SEND).get(address())
    name, count = field(response, "name"), field(response, "count")
    assert 'class="required"' in name
    assert "Who" in name
    assert "Whose order it is. At most 40 characters." in name
    assert 'class="required"' not in count
    assert "At least 1, at most 9. Default: 2." in count


def test_what_refers_to_a_model_is_named_after_the_field(backend):
    form = BodyForm(Shop.parcels)
    labels = [one.label for one in form.fields.values()]
    assert labels == ["Price", "First", "Second Line", "Wrapping", "Bow"]


def test_a_decimal_tells_its_limits(backend):
    assert BodyForm(Shop.parcels).fields["price"].help_text == 'More than 0.0, at most 500.0. Default: "1".'


def test_a_message_is_sent_with_the_user_logged_and_linked(staff, backend):
    client = staff(*SEND)
    response = client.post(address(key="a%2Fb"), {**GOOD, "next": page("message")}, follow=True)
    assert response.redirect_chain[-1][0] == page("message")
    message, body = sent()
    assert body == {
        "name": "ann",
        "count": 3,
        "price": "1.10",
        "weight": None,
        "gift": True,
        "express": None,
        "colour": "red",
        "kind": "sale",
        "due": "2026-12-24",
        "shipsAt": None,
        "note": "one\ntwo",
        "lines": [],
        "owner": None,
    }
    assert message.user_id == str(client.user.pk)
    assert message.keeps_outcome
    html = response.content.decode()
    assert (
        f'The message was sent. <a href="{page("message", "change", message.uid.hex)}">Look at it</a>' in html
    )
    entry = LogEntry.objects.get()
    assert (entry.action_flag, entry.object_id) == (ADDITION, message.uid.hex)
    assert entry.object_repr == f"shop/a/b orders {message.uid.hex}"


def test_every_kind_of_value_arrives(staff, backend):
    more = {
        "body-weight": "0.5",
        "body-express": "false",
        "body-shipsAt_0": "2026-12-24",
        "body-shipsAt_1": "18:00:00",
        "body-lines": '[{"sku": "x"}]',
        "body-owner": " eve ",
    }
    staff(*SEND).post(address(), {**GOOD, **more})
    body = sent()[1]
    assert body["weight"] == 0.5
    assert body["express"] is False
    assert body["shipsAt"] == "2026-12-24T18:00:00Z"
    assert body["lines"] == [{"sku": "x", "count": 1}]
    assert body["owner"] == " eve "


def test_every_error_is_next_to_its_field(staff, backend):
    wrong = {
        "body-name": "x" * 41,
        "body-count": "10",
        "body-due": "soon",
        "body-colour": '"pink"',
        "body-lines": '[{"sku": "x"}, {"count": "y"}]',
        "body-kind": '"sale"',
        "options-delay": "-5",
    }
    response = staff(*SEND).post(address(), wrong)
    text_of(response)
    assert "at most 40 characters" in field(response, "name")
    assert "less than or equal to 9" in field(response, "count")
    assert "This field is required" in field(response, "price")
    assert "Enter a valid date" in field(response, "due")
    assert "Select a valid choice" in field(response, "colour")
    assert "1.sku: Field required" in field(response, "lines")
    assert "1.count: Input should be a valid integer" in field(response, "lines")
    assert "greater than or equal to" in field(response, "delay")
    assert field(response, "kind").count("errorlist") == 0
    assert 'value="10"' in field(response, "count")
    assert not Message.objects.exists()


def test_what_is_wrong_with_the_whole_is_said_on_top(staff, backend):
    response = staff(*SEND).post(address(), {**GOOD, "body-name": "everybody"})
    assert "not everybody at once" in text_of(response)
    assert "errors" not in field(response, "name").split("\n")[0]


def test_what_is_no_json_is_told_at_its_field(staff, backend):
    response = staff(*SEND).post(address(), {**GOOD, "body-lines": "[oops"})
    assert "This is not JSON" in field(response, "lines")
    response = staff(*SEND, name="bob").post(address(), {**GOOD, "body-lines": "[NaN]"})
    assert "This is not JSON" in field(response, "lines")


def test_a_body_can_be_written_as_json(staff, backend):
    client = staff(*SEND)
    assert address(json=1) in client.get(address()).content.decode().replace("&amp;", "&")
    response = client.post(address(json=1), {"body-body": '{"name": ""}'})
    assert "price: Field required" in field(response, "body")
    body = {"name": "", "price": "2", "gift": False, "kind": "sale", "due": "2026-12-24", "owner": None}
    client.post(address(json=1), {"body-body": json.dumps(body)})
    assert sent()[1]["name"] == ""


def test_a_queue_without_a_body_has_no_fields(staff, backend):
    client = staff(*SEND)
    assert "Messages of this queue have no body." in text_of(client.get(address("stop")))
    client.post(address("stop"), {})
    assert sent()[1] is None


@pytest.mark.parametrize(
    ("queue", "text", "body"),
    [("anything", '["x", null]', ["x", None]), ("number", "7", 7), ("sums", '{"a": 1}', {"a": 1})],
)
def test_other_bodies_are_one_field(queue, text, body, staff, backend):
    client = staff(*SEND)
    assert "This field is required" in field(client.post(address(queue), {}), "body")
    client.post(address(queue), {"body-body": text})
    assert sent()[1] == body


def test_delay_and_dedupe_key_are_heeded(staff, backend):
    client, line = staff(*SEND), {"body-sku": "x"}
    client.post(address("few"), {**line, "options-delay": "1:00:00", "options-dedupe": "once"})
    message, _ = sent()
    assert message.scheduled_at - message.enqueued_at > timedelta(minutes=59)
    response = client.post(address("few"), {**line, "options-dedupe": "once"}, follow=True)
    assert "An equal message was sent before" in text_of(response)
    assert page("message", "change", message.uid.hex) in response.content.decode()
    assert LogEntry.objects.count() == 1
    assert sent()


def test_refusals_of_the_queue_are_errors_of_the_form(staff, backend):
    client, line = staff(*SEND), {"body-sku": "x"}
    client.post(address("few"), line)
    assert "Queue is full. Limit is 1 messages." in text_of(client.post(address("few"), line))
    large = {"body-body": json.dumps("x" * 100_000)}
    assert "Queue message too large" in text_of(client.post(address("anything"), large))
    refused = client.post(address("number"), {"body-body": "7", "options-dedupe": "x" * 200})
    assert "128 UTF-8 bytes" in field(refused, "dedupe")
    nul = client.post(address("anything"), {"body-body": '"a\\u0000"'})
    assert "NUL" in field(nul, "body")
    assert Message.objects.count() == 1


def test_the_way_back_leads_to_where_one_came_from(staff, backend):
    client, here = staff(*SEND), page("actorinstance")
    html = client.get(address("stop"), headers={"referer": f"http://testserver{here}?q=1"}).content.decode()
    assert f'name="next" value="{here}?q=1"' in html
    html = client.get(address("stop"), headers={"referer": "http://evil.example/x"}).content.decode()
    assert "evil" not in html
    assert client.post(address("stop"), {"next": f"{here}?q=1"}).url == f"{here}?q=1"
    assert client.post(address("stop"), {"next": "http://evil.example/"}).url == page("message")
    assert client.post(address("stop"), {"_addanother": "yes"}).url == address("stop")


def test_what_comes_from_outside_is_escaped(staff, backend):
    script = "<script>x"
    client = staff(*SEND)
    html = client.post(address("few", key=script), {"body-sku": "", "body-count": script}).content.decode()
    assert script not in html
    assert "&lt;script&gt;x" in html
    assert script not in client.get(address("few", key=script, json=script)).content.decode()
    assert script not in client.get(address(script, type_name=script)).content.decode()


def test_the_form_takes_few_queries(staff, backend, few_queries):
    client = staff(*SEND)
    with few_queries():
        assert client.get(address()).status_code == 200
    with few_queries():
        assert client.post(address(), GOOD).status_code == 302
    assert Message.objects.count() == 1


def test_what_was_sent_by_hand_is_handled(staff, backend, start_worker):
    start_worker()
    client = staff(*SEND, "view_payload")
    client.post(address("increment", type_name="tally"), {"body-amount": "41"})
    entry = LogEntry.objects.get()
    eventually(lambda: not Message.objects.exists())
    text = text_of(client.get(page("message", "change", entry.object_id)))
    assert "it was completed" in text
    assert "value 41" in text
