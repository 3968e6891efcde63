import pytest


@pytest.fixture(autouse=True)
def only_own_actors(empty_registry):
    pass
