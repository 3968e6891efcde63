"""The conformance suite of storage: what holds on one database holds on all of them, and on the next one."""

from tests.fixtures.backends import store as backend

__all__ = ["backend"]
