"""W031: permissions that no actor can be asked for."""

import pytest
from rest_framework.permissions import (
    DjangoModelPermissionsOrAnonReadOnly,
    DjangoObjectPermissions,
    IsAdminUser,
    IsAuthenticated,
)

from actorqueues import Actor, handler
from actorqueues.checks import check_permissions

pytestmark = pytest.mark.usefixtures("empty_registry")


def actor(permissions, is_exposed=True):
    class Ledger(Actor):
        exposed = is_exposed
        permission_classes = permissions

        @handler
        def book(self, body: int) -> None: ...


@pytest.mark.parametrize(
    ("permissions", "found"),
    [
        ([IsAuthenticated], []),
        ([], []),
        ([DjangoModelPermissionsOrAnonReadOnly], ["actorqueues.W031"]),
        ([IsAuthenticated, DjangoObjectPermissions], ["actorqueues.W031"]),
        ([IsAuthenticated & (IsAdminUser | ~DjangoObjectPermissions)], ["actorqueues.W031"]),
        ([IsAuthenticated & (IsAdminUser | ~IsAuthenticated)], []),
    ],
)
def test_permissions_of_a_model_are_warned_about(permissions, found):
    actor(permissions)
    assert [problem.id for problem in check_permissions()] == found


def test_the_project_s_own_count_where_an_actor_has_none(settings):
    actor(None)
    settings.REST_FRAMEWORK = {
        "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.DjangoModelPermissions"]
    }
    [problem] = check_permissions()
    assert "DjangoModelPermissions" in problem.msg
    assert '"ledger"' in problem.msg
    assert "permission_classes" in problem.hint


def test_who_exposes_nothing_is_asked_nothing():
    actor([DjangoObjectPermissions], is_exposed=False)
    assert check_permissions() == []
