"""Charts show the times of the tables beside them: Django's, wherever the browser is."""

import json
import re
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed_timezone

import pytest
from django.utils import timezone

from actorqueues.admin.charts import counts
from actorqueues.diagnosis.statistics import Point
from tests.admin.pages import page
from tests.fixtures.backends import only_sqlite
from tests.fixtures.workers import eventually

LISTEN = """
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
  (this.canvas.written ??= []).push(text);
  return write.call(this, text, ...place);
}"""
WRITTEN = """[...document.querySelectorAll('.aq-charted')].map((one) =>
  (one.querySelector('canvas')?.written ?? []).filter((text) => /^\\d\\d:\\d\\d$/.test(text)))"""
IN_TABLES = """[...document.querySelectorAll('.aq-charted')].map((one) =>
  [...one.querySelectorAll('tbody th')].map((cell) => cell.textContent))"""


@only_sqlite
def test_a_browser_elsewhere_shows_the_times_of_the_tables(meet, start_admin):
    # Whole hours there are half hours elsewhere.
    server = start_admin(env={"AQ_TIME_ZONE": "Asia/Kolkata"})
    somebody = meet(server, timezone_id="America/New_York")
    somebody.page.add_init_script(LISTEN)
    somebody.go(page("overview"))
    eventually(lambda: all(somebody.page.evaluate(WRITTEN)))
    tables, written = somebody.page.evaluate(IN_TABLES), somebody.page.evaluate(WRITTEN)
    for of_hour in (0, 1):
        assert set(written[of_hour]) <= set(tables[of_hour])
    for of_day in (2, 3):
        assert {time[-3:] for time in written[of_day]} == {":00"}
    for number, table in enumerate(tables):
        somebody.page.hover(f":nth-match(.aq-charted, {number + 1}) .u-over")
        shown = somebody.page.inner_text(f":nth-match(.aq-charted, {number + 1}) .aq-series-when")
        assert re.fullmatch(r"\d\d:\d\d", shown)
        assert shown in table


@pytest.mark.parametrize(
    ("zone", "named", "shown"),
    [
        ("Europe/Berlin", "Europe/Berlin", "14:00"),
        (fixed_timezone(timedelta(hours=5, minutes=30), "India"), "+05:30", "17:30"),
        (fixed_timezone(-timedelta(hours=3, minutes=30)), "-03:30", "08:30"),
        (UTC, "+00:00", "12:00"),
    ],
)
def test_the_page_names_the_current_time_zone(zone, named, shown):
    point = Point(1, 1, 0, 0, None, None, datetime(2026, 6, 1, 12, tzinfo=UTC))
    with timezone.override(zone):
        chart = counts("Messages", [point])
    assert json.loads(chart.data)["zone"] == named
    assert chart.rows[0][0] == shown
