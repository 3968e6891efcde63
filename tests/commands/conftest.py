import pytest


@pytest.fixture(autouse=True)
def only_the_playground(playground_registry):
    """Commands that run in the test's own process know what their processes know."""
