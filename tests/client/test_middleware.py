import asyncio

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject

from actorqueues.middleware import CurrentUser
from actorqueues.models import Message
from tests.client.actors import Increment, Ledger

ONE = Increment(amount=1)


def request_of(user):
    request = RequestFactory().get("/")
    request.user = user
    return request


def test_messages_sent_in_a_request_carry_its_user(backend):
    def view(request):
        Ledger.get_or_create("a").send(Ledger.note, ONE)
        return HttpResponse()

    respond = CurrentUser(view)
    respond(request_of(get_user_model()(pk=7)))
    respond(request_of(AnonymousUser()))
    view(None)  # after the request there is no user
    assert list(Message.objects.order_by("id").values_list("user_id", flat=True)) == ["7", None, None]


def test_async_stacks_too(backend):
    async def view(request):
        await Ledger.get_or_create("a").asend(Ledger.note, ONE)
        return HttpResponse()

    respond = CurrentUser(view)
    asyncio.run(respond(request_of(SimpleLazyObject(lambda: get_user_model()(pk=7)))))
    assert Message.objects.get().user_id == "7"


def test_a_request_that_sends_nothing_never_asks_for_its_user():
    def untouched():
        pytest.fail("the session was read")

    CurrentUser(lambda request: HttpResponse())(request_of(SimpleLazyObject(untouched)))
