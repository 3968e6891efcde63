"""Where a project may put the gateway."""

from django.urls import include, path
from rest_framework.versioning import NamespaceVersioning

from actorqueues.web.views import WebView

urlpatterns = [path("<slug:tenant>/rivet/", include("actorqueues.gateway.urls"))]


class Versions(NamespaceVersioning):
    allowed_versions = ["v1"]


def test_a_prefix_may_have_parameters_and_the_project_versions(gateway, settings, monkeypatch, make_user):
    settings.ROOT_URLCONF = __name__
    monkeypatch.setattr(WebView, "versioning_class", Versions)
    make_user("root", is_staff=True)
    gateway.root = "/acme/rivet"

    def ask(method, place, data=None, **query):
        return gateway.request(method, place, data, token="root", **query)

    by_key = {"rvt-method": "getOrCreate", "rvt-key": "a"}
    actor = ask("PUT", "actors", {"name": "rivet.mirror", "key": "a"}).json()["actor"]
    for answer in (
        ask("GET", "metadata"),
        ask("POST", "gateway/rivet.mirror/queue/anything", {"body": 1}, **by_key),
        ask("POST", "gateway/rivet.mirror/action/echo", {"args": [1]}, **by_key),
        ask("POST", f"gateway/{actor['actor_id']}/action/echo", {"args": [1]}),
        ask("POST", "actors", {"name": "rivet.mirror", "key": "b"}),
        ask("GET", "actors", name="rivet.mirror"),
        ask("DELETE", f"actors/{actor['actor_id']}"),
    ):
        assert answer.status_code == 200, answer.content
