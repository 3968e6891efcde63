import pytest

from actorqueues.definitions import registry as registry_module


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """A registry of this test's own: what is defined here is unknown to the next test."""
    registry = registry_module.registry
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_clashes", list(registry._clashes))
    return registry
