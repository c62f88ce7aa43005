"""The replayed web log: every hour has visitors, the same ones a week later, and nothing tells who they were."""

import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UnavailableError
from infra.local.replay.prepare_weblog import prepare, read
from infra.local.replay.weblog import FIRST, HOURS, SERVICE, WEBLOG, Feed, Weblog
from infra.local.warehouse import read_definitions

if TYPE_CHECKING:
    from functions.adapters.ports import PubsubMessage

NOW = datetime(2026, 3, 4, 15, 37, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LOG = Weblog.read()
AGENT = "Mozilla/5.0 (Windows NT 6.1) Firefox/27.0"


def rows(start: datetime, end: datetime) -> list[dict[str, Any]]:
    return [json.loads(message.data) for message in LOG.messages(start, end)]


def line(at: str, who: str = "198.51.100.7", status: int = 200, agent: str = AGENT) -> str:
    return f'{who} - - [{at}] "GET /x HTTP/1.1" {status} 12 "-" "{agent}"\n'


def test_every_hour_of_two_weeks_has_visitors() -> None:
    found = Counter(row["observed_at"][:13] for row in rows(NOW - 336 * HOUR, NOW))
    assert len(found) == 336
    assert min(found.values()) >= 30
    instants = [NOW - offset * timedelta(minutes=7) for offset in range(60)]
    assert all(rows(at - HOUR, at) for at in instants)


def test_a_week_ago_was_the_same_under_other_ids() -> None:
    now, before = rows(NOW - HOUR, NOW), rows(NOW - 169 * HOUR, NOW - 168 * HOUR)
    said = [(row["device"], row["failed"], row["observed_at"][11:]) for row in now]
    assert said == [(row["device"], row["failed"], row["observed_at"][11:]) for row in before]
    assert not {row["event_id"] for row in now} & {row["event_id"] for row in before}
    assert not {row["session_id"] for row in now} & {row["session_id"] for row in before}


@given(st.lists(st.integers(0, HOURS * 7200), min_size=3, max_size=6))
def test_in_parts_it_is_the_same_as_in_one(cuts: list[int]) -> None:
    instants = [NOW + timedelta(seconds=second) for second in sorted(cuts)]
    whole = list(LOG.messages(instants[0], instants[-1]))
    parts = [message for start, end in pairwise(instants) for message in LOG.messages(start, end)]
    assert parts == whole
    assert len({json.loads(message.data)["event_id"] for message in whole}) == len(whole)


def test_a_row_fits_the_table_and_the_subscription() -> None:
    [table] = [one for one in read_definitions() if one.id == "telemetry.experience"]
    required = {column["name"] for column in table.schema if column["mode"] == "REQUIRED"}
    [message, *_] = LOG.messages(NOW - HOUR, NOW)
    row = json.loads(message.data)
    assert message.attributes == {"table": "experience"}
    assert required <= row.keys() <= {column["name"] for column in table.schema}
    assert row["service"] == SERVICE
    assert {json.loads(one.data)["kind"] for one in LOG.messages(NOW - HOUR, NOW)} == {"request"}


def test_the_file_holds_no_address_and_no_name() -> None:
    table = pq.read_table(WEBLOG)
    assert table.column_names == ["second", "session", "device", "failed"]
    assert set(table["device"].to_pylist()) == {"desktop", "mobile", "tablet"}
    assert not re.search(rb"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", WEBLOG.read_bytes())


def test_what_is_not_taken_comes_the_next_time() -> None:
    taken: list[PubsubMessage] = []

    def refuse(_: object) -> int:
        raise UnavailableError("bus: does not answer")

    feed = Feed(LOG, NOW - 2 * HOUR)
    with pytest.raises(UnavailableError):
        feed.advance(NOW - HOUR, refuse)
    assert feed.advance(NOW, lambda messages: taken.extend(messages) or len(taken)) == len(taken) > 0
    assert taken == list(LOG.messages(NOW - 2 * HOUR, NOW))
    assert feed.advance(NOW, lambda _: pytest.fail("nothing is due")) == 0


def test_visits_are_numbered_and_end_with_half_an_hour_of_silence() -> None:
    lines = [
        line("17/May/2015:10:05:03 +0000"),
        line("17/May/2015:10:05:09 +0000", who="203.0.113.4"),
        line("17/May/2015:10:20:00 +0000", status=404),
        line("17/May/2015:10:50:01 +0000", status=304),
        line("17/May/2015:11:00:00 +0000", agent="Mozilla/5.0 (iPad; CPU OS 7_0)"),
    ]
    left_out: Counter[str] = Counter()
    table = prepare(read(lines, left_out)).to_pydict()
    assert table == {
        "second": [303, 309, 1200, 3001, 3600],
        "session": [1, 2, 1, 3, 4],
        "device": ["desktop", "desktop", "desktop", "desktop", "tablet"],
        "failed": [False, False, True, False, False],
    }
    assert left_out == {}


def test_robots_and_what_cannot_be_read_are_left_out_and_counted() -> None:
    robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    lines = ["nonsense", line("17/May/2015:10:05:03 +0000", agent=robot), line("17/May/2015:10:05:03 +0000", agent="-")]
    left_out: Counter[str] = Counter()
    assert list(read(lines, left_out)) == []
    assert left_out == {"unreadable": 1, "robots and programs": 2}


def test_a_log_of_other_days_is_refused() -> None:
    with pytest.raises(ValueError, match=f"must lie within {HOURS} hours from {re.escape(FIRST.isoformat())}"):
        prepare(read([line("24/May/2015:10:05:03 +0000")], Counter()))
