"""W029, W030: whether requests that wait have the threads they need, and leave them to others."""

import sys

import pytest
from django.core.checks import run_checks
from django.utils.decorators import sync_and_async_middleware, sync_only_middleware
from django.utils.deprecation import MiddlewareMixin

from actorqueues.checks import check_asgi, check_middleware

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


def plain(get_response):
    return get_response


@sync_only_middleware
def decorated(get_response):
    return get_response


class Refusing(MiddlewareMixin):
    async_capable = False


@sync_and_async_middleware
def either(get_response):
    return get_response


class Mixed(MiddlewareMixin): ...


def warned(settings, *names):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *(f"{__name__}.{name}" for name in names)]
    return [(problem.id, problem.msg) for problem in check_middleware()]


@pytest.mark.parametrize("name", ["plain", "decorated", "Refusing"])
def test_a_middleware_that_is_only_synchronous_keeps_lanes_and_is_warned_about(project, name):
    [(number, text)] = warned(project(WRAPPED), name)
    assert number == "actorqueues.W030"
    assert text.endswith(f"{__name__}.{name}.")


@pytest.mark.parametrize("names", [(), ("either", "Mixed"), ("absent",)])
def test_other_middleware_is_fine(project, names):
    assert warned(project(WRAPPED), *names) == []


def test_without_lanes_or_actors_middleware_may_be_as_it_is(project):
    assert warned(project(STOCK), "plain") == []
    project(WRAPPED).ROOT_URLCONF = "tests.api.webhook_urls"
    assert check_middleware() == []


def test_all_checks_are_run_by_django(project):
    settings = project(WRAPPED)
    settings.MIDDLEWARE = [f"{__name__}.plain"]
    assert "actorqueues.W030" in [problem.id for problem in run_checks(tags=["actorqueues"], databases=[])]
