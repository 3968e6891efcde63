"""The benchmarks still run. How fast anything is, is not looked at here."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report, targets
from benchmarks.results import Result
from benchmarks.workloads import WORKLOADS

PROJECT = Path(__file__).resolve().parents[1]
CHEAP = {  # and what each of them finds, among others
    ("drain-one", "send", "send-many"): {targets.DRAIN_ONE, targets.SEND_RATIO, targets.SEND_MANY},
    ("deep-spread", "idle", "inspector"): {targets.DEEP_SPREAD, targets.INSPECTOR_QUERIES},
    ("requests", "waiters", "sockets"): {targets.REQUEST_WSGI, targets.WAITER_FREED, targets.EVENT_ALL},
}


def benchmarks(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.parametrize("names", CHEAP, ids=" ".join)
def test_a_few_of_them_measure_something(tmp_path, names):
    page, document = tmp_path / "page.md", tmp_path / "results.json"
    only = [part for name in names for part in ("--only", name)]
    done = benchmarks("--database", "sqlite", "--scale", 0.002, *only, "--markdown", page, "--json", document)
    assert done.returncode == 0, done.stdout + done.stderr
    results = {one["name"]: one for one in json.loads(document.read_text())["results"]}
    assert CHEAP[names] <= set(results)
    assert all(one["value"] > 0 for name, one in results.items() if name in CHEAP[names])
    assert all(f"| {name} |" in page.read_text() for name in results)


def test_the_help_names_every_workload():
    text = benchmarks("--help").stdout
    assert [name for name in WORKLOADS if name not in text] == []


def test_every_target_is_of_a_figure_that_has_a_name():
    named = {value for value in vars(targets).values() if isinstance(value, str)}
    named |= set(targets.INSPECTOR.values())
    assert set(targets.TARGETS) <= named


@pytest.fixture
def on_two_cores(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)


@pytest.mark.parametrize(
    ("name", "value", "unit", "verdict"),
    [
        (targets.DRAIN_ONE, 3_000, "/s", "held"),
        (targets.DRAIN_ONE, 2_400, "/s", "missed by 20 %"),
        (targets.ROUND_TRIP_P50, 3.9, "ms", "held"),
        (targets.ROUND_TRIP_P50, 6.0, "ms", "missed by 50 %"),
        (targets.IDLE_RSS, -0.3, "+MB", "held"),
        (targets.ROUND_TRIP_P99, 900.0, "ms", ""),
    ],
)
def test_a_target_is_held_or_missed(on_two_cores, name, value, unit, verdict):
    assert Result(name, value, unit, place="postgresql", bare=500).verdict == verdict


def test_elsewhere_the_ratio_to_the_bare_database_counts(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    inserts = targets.REFERENCE_INSERTS["postgresql"]
    slow = Result(targets.DRAIN_ONE, 1_500, "/s", place="postgresql", bare=inserts / 2)
    fast = Result(targets.DRAIN_ONE, 4_500, "/s", place="postgresql", bare=inserts * 2)
    assert (slow.verdict, fast.verdict) == ("held", "missed by 25 %")


def test_tables_take_the_place_of_the_ones_before(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n<!-- benchmarks: table -->\nold\n<!-- end -->\n\nThe rest.\n")
    result = Result(targets.DRAIN_ONE, 3_100, "/s", place="sqlite", bare=50_000)
    for _ in range(2):
        report.write_markdown(page, "table", [result], 1)
    text = page.read_text()
    assert text.count("| drain, one actor | 3,000/s | 3,100/s | held |") == 1
    assert "old" not in text
    assert text.endswith("<!-- end -->\n\nThe rest.\n")


def test_a_page_without_a_place_for_the_tables_is_refused_at_once(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n")
    done = benchmarks("--database", "sqlite", "--markdown", page)
    assert done.returncode == 1
    assert "<!-- benchmarks: table -->" in done.stderr
    assert page.read_text() == "# Page\n"
