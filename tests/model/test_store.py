"""Send, receive, settle, fail, crash, expire, destroy, in any order: the store does what the model does."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from actorqueues import clock
from tests.model.machine import StoreMachine

# Shrinking a failure takes minutes: that is for --hypothesis-profile=long.
# Short and always the same here, so that no unlucky draw fails somebody's change; --hypothesis-profile=long searches.
SHORT = settings(max_examples=25, stateful_step_count=30, derandomize=True, phases=[Phase.generate])
SEARCHES = settings.default is not None and settings.default.max_examples > SHORT.max_examples * 10


@pytest.fixture
def put_back_clock(monkeypatch):
    monkeypatch.setattr(clock, "offset", timedelta(0))


def test_the_store_does_what_the_model_does(backend, put_back_clock):
    short = settings(SHORT, max_examples=8) if backend == "pgbouncer" else SHORT
    chosen = settings.default if SEARCHES else short
    run_state_machine_as_test(
        lambda: StoreMachine(backend),
        settings=settings(chosen, deadline=None, database=None, suppress_health_check=list(HealthCheck)),
    )
