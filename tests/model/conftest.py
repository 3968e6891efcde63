from tests.fixtures.backends import store as backend

__all__ = ["backend"]
