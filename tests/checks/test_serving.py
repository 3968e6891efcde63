"""W029: whether requests that wait have the threads they need."""

import sys

import pytest

from actorqueues.checks import check_asgi

STOCK = "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()\n"
WRAPPED = "from actorqueues.asgi import on_lanes\n" + STOCK


@pytest.fixture
def project(tmp_path, monkeypatch, settings):
    """``project(source)`` is one whose ASGI application is in a module with this text."""
    monkeypatch.syspath_prepend(tmp_path)

    def project(source):
        (tmp_path / "some_asgi.py").write_text(source)
        settings.ASGI_APPLICATION = "some_asgi.application"
        return settings

    return project


def found():
    return [problem.id for problem in check_asgi()]


def test_a_stock_asgi_application_is_warned_about_and_not_imported(project):
    project(STOCK)
    assert found() == ["actorqueues.W029"]
    assert "some_asgi" not in sys.modules


def test_a_wrapped_one_is_fine(project):
    project(WRAPPED)
    assert found() == []


def test_without_mounted_actors_it_does_not_matter(project):
    project(STOCK).ROOT_URLCONF = "tests.api.webhook_urls"
    assert found() == []


@pytest.mark.parametrize("application", [None, "nowhere.application", "no_dots", "tests.asgi.application"])
def test_what_cannot_be_looked_at_is_passed_over(settings, application):
    settings.ASGI_APPLICATION = application
    assert found() == []
