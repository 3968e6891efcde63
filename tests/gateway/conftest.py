import base64
import json
from urllib.parse import urlencode

import cbor2
import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from actorqueues import Actor
from actorqueues.client.depth import gauge
from actorqueues.definitions.registry import registry
from actorqueues.gateway.views import GatewayView
from tests.fixtures.npm import npm_install as npm_install
from tests.gateway import actors
from tests.gateway.authentication import BearerIsName
from tests.gateway.rivetkit import rivetkit as rivetkit
from tests.gateway.serving import server as server
from tests.gateway.serving import start_server as start_server

OWN = [
    one
    for one in vars(actors).values()
    if isinstance(one, type) and issubclass(one, Actor) and one is not Actor
]
for own in OWN:  # other tests know nothing of them
    registry.unregister(own)


@pytest.fixture(autouse=True)
def only_these_actors(empty_registry):
    for own in OWN:
        registry.register(own)


class Gateway:
    """Speaks as Rivet's client does."""

    def __init__(self):
        self.client = Client(raise_request_exception=False)
        self.root = "/rivet"

    def request(self, method, path, data=None, *, params=None, token=None, headers=None, **query):
        sent = {"x-rivet-encoding": "json", **(headers or {})}
        if params is not None:
            sent["x-rivet-conn-params"] = json.dumps(params)
        if token is not None:
            sent["x-rivet-token"] = token
        address = f"{self.root}/{path}" + (f"?{urlencode(query)}" if query else "")
        body = data if isinstance(data, str | bytes) else "" if data is None else json.dumps(data)
        return self.client.generic(method, address, body, content_type="application/json", headers=sent)

    def send(self, actor, queue, body=None, *, key=("a",), method="getOrCreate", input=None, **options):
        wire = {name: options.pop(name) for name in ("wait", "timeout") if name in options}
        query = address(key, method, input)
        return self.request(
            "POST",
            f"gateway/{actor}/queue/{queue}",
            {"body": body, "name": queue, **wire},
            **query,
            **options,
        )

    def call(self, actor, action, *args, key=("a",), method="getOrCreate", **options):
        query = address(key, method, None)
        return self.request(
            "POST", f"gateway/{actor}/action/{action}", {"args": list(args)}, **query, **options
        )

    def create(self, name, key, *, method="POST", input=None, **options):
        data = {"name": name, "key": key, "runner_name_selector": "default", "crash_policy": "sleep"}
        if input is not None:
            data["input"] = base64.b64encode(cbor2.dumps(input)).decode()
        return self.request(method, "actors", data, namespace="default", **options)


def address(key, method, input):
    """As the client writes it: no ``rvt-key`` for a key without parts, nothing at all for an id."""
    if method is None:
        return {}
    query = {"rvt-namespace": "default", "rvt-method": method}
    if key:
        query["rvt-key"] = ",".join(key)
    if input is not None:
        query["rvt-input"] = base64.urlsafe_b64encode(cbor2.dumps(input)).decode().rstrip("=")
    return query


@pytest.fixture
def gateway(backend, settings, monkeypatch):
    settings.ROOT_URLCONF = "tests.gateway.urls"
    monkeypatch.setattr(GatewayView, "authentication_classes", [BearerIsName])
    gauge.forget()
    return Gateway()


@pytest.fixture
def make_user(backend):
    def make(name, **fields):
        return get_user_model().objects.create(username=name, **fields)

    return make


def refused(response, status, code):
    """Its error, after a look at its form."""
    error = response.json()
    assert (response.status_code, f"{error['group']}.{error['code']}") == (status, code), error
    assert set(error) == {"group", "code", "message", "metadata"}
    return error
