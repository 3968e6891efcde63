"""Which transaction a send is part of, and whether waiting makes sense in it."""

from __future__ import annotations

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from actorqueues.exceptions import TransactionMismatch, WaitInTransaction


def in_testcase(connection: BaseDatabaseWrapper) -> bool:
    """Inside the atomic block that Django's TestCase puts around a test."""
    return any(getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)


def in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether what is written now is not committed yet: in an atomic block (a test case's own does not
    count) or under manual commit."""
    if connection.in_atomic_block:
        return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
    return connection.connection is not None and not connection.get_autocommit()


def refuse_mismatch(using: str) -> None:
    """Raises ``TransactionMismatch`` when a transaction is open, but not on the actors' database."""
    if in_transaction(connections[using]):
        return
    for connection in connections.all(initialized_only=True):
        if connection.alias != using and in_transaction(connection):
            raise TransactionMismatch(open=connection.alias, database=using)


def refuse_wait(using: str) -> None:
    """Raises ``WaitInTransaction``: what is not committed nobody else can answer."""
    if in_transaction(connections[using]):
        raise WaitInTransaction()
