"""The short form of every scenario. ``python -m tests.faults`` is the long one."""

import pytest

from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import Stage


def test_each_scenario_names_its_databases():
    assert all(set(scenario.databases) <= {"default", "postgresql"} for scenario in SCENARIOS.values())


def short_forms():
    for name, scenario in SCENARIOS.items():
        if not scenario.needs_server:
            yield from (pytest.param(scenario, alias, id=f"{name}-{alias}") for alias in scenario.databases)


@pytest.mark.parametrize(("scenario", "backend"), list(short_forms()), indirect=["backend"])
def test_promises_hold(scenario, backend, worker_process, request):
    counts = play(scenario, Stage(backend, worker_process, request.node.name, settings=scenario.settings))
    assert counts["settled"] > 0


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS.values() if scenario.needs_server])
def test_promises_hold_on_a_server_that_stops(scenario, own_server, own_processes):
    counts = play(scenario, Stage("postgresql", own_processes, scenario.name(), server=own_server))
    assert counts["settled"] > 0


def play(scenario, stage):
    """Raises what promise is broken; gives what was counted."""
    try:
        scenario(stage).play(lambda strokes: strokes < scenario.rounds)
    finally:
        stage.close()
    print(dict(stage.counts), f"throughput was back after {stage.slowest:.1f} s at most")
    return stage.counts
