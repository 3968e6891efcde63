import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from actorqueues.client.depth import gauge
from tests.fixtures.workers import PATIENCE

ROOT = "/api/actors"


@pytest.fixture(autouse=True)
def no_credit_from_other_tests():
    gauge.forget()


@pytest.fixture
def make_user(backend):
    def make(name="ann", **fields):
        return get_user_model().objects.create_user(name, f"{name}@example.com", "secret", **fields)

    return make


class Api:
    """A client that speaks JSON: ``api.post("counter/main/queue/increment/", {"body": …})``."""

    def __init__(self, user=None, client=None):
        self.client = client or Client()
        if user is not None:
            self.client.force_login(user)

    def call(self, method, path, data=None, **headers):
        given = {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}
        if method == "post":
            given |= {"data": "" if data is None else data, "content_type": "application/json"}
        return getattr(self.client, method)(f"{ROOT}/{path}", **given)

    def get(self, path, **headers):
        return self.call("get", path, **headers)

    def post(self, path, data=None, **headers):
        return self.call("post", path, data, **headers)

    def delete(self, path, **headers):
        return self.call("delete", path, **headers)

    def ask(self, path, body=None, **options):
        """The answer to a message that is waited for."""
        timeout = options.pop("timeout", PATIENCE * 1000)
        answer = self.post(path, {"body": body, "wait": True, "timeout": timeout, **options})
        assert answer.status_code == 200, answer.content
        return answer.json()


@pytest.fixture
def api(backend):
    return Api()
