"""The list of incidents: filtered and page by page, of the store and, where they are older, of the recorded changes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from core.events import Change, Severity
from core.incidents.model import Evidence, IncidentReason, State, TimelineEntry
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
PAST = "ops.incident_changes"


@dataclass
class Listed:
    """The list over HTTP, and what is behind it."""

    client: Client
    office: ApiFixture
    warehouse: Rows

    def page(self, **given: Any) -> Data:
        response = self.client.get("/v1/incidents/search", query_string=given)
        assert response.status_code == 200, response.json
        found: Data = response.json or {}
        return found

    def ids(self, **given: Any) -> list[str]:
        return [one["id"] for one in self.page(**given)["incidents"]]

    def keep(self, name: str, *, ago: timedelta, ended: timedelta | None = None, **more: Any) -> None:
        """An incident that was opened so long ago, and ended so long ago."""
        target, severity = more.pop("target", "model/churn"), more.pop("severity", Severity.ERROR)
        evidence = (Evidence(name="segment", text=more.pop("evidence", "")),)
        lead = pages.condition(target, "drift", severity, NOW - ago, f"{name} drifted", evidence=evidence)
        if ended is not None:
            more |= {"state": State.RESOLVED, "resolved_at": NOW - ended}
        self.office.keep(pages.incident(name, [lead], NOW - ago, **more))


@pytest.fixture
def some(tmp_path: Path) -> Iterator[Listed]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    office, warehouse = ApiFixture(store), Rows()
    made = pages.services(store, warehouse, office, lambda: NOW)
    yield Listed(pages.application(made).test_client(), office, warehouse)
    store.close()  # type: ignore[attr-defined]


def past(name: str, ended: datetime, **more: Any) -> Data:
    """A row of the recorded changes."""
    row: Data = {"id": name, "opened_at": ended - timedelta(hours=1), "resolved_at": ended, "title": f"{name} was down"}
    return row | {"target": "service/old", "severity_rank": 3, "acknowledged_at": None} | more


def test_open_ones_come_first_the_worst_of_them_on_top_and_what_ended_last_before_what_ended_earlier(
    some: Listed,
) -> None:
    some.keep("old", ago=3 * DAY, ended=2 * DAY)
    some.keep("new", ago=9 * DAY, ended=DAY)
    some.keep("small", ago=timedelta(minutes=1), severity=Severity.WARNING)
    some.keep("large", ago=timedelta(hours=9), severity=Severity.CRITICAL)
    assert some.ids() == ["large", "small", "new", "old"]
    first = some.page(limit=3)
    assert [one["id"] for one in first["incidents"]] == ["large", "small", "new"]
    assert some.ids(limit=3, cursor=first["next"]) == ["old"]
    assert some.warehouse.asked == []


COMMENTED = TimelineEntry(
    sequence=1, at=NOW, change=Change.UPDATED, reason=IncidentReason.COMMENT, summary="Bob: the disk"
)
TOLD = TimelineEntry(sequence=1, at=NOW, change=Change.OPENED, reason=IncidentReason.FIRST_FIRING, summary="Bob's job")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"state": "open"}, ["one", "two"]),
        ({"state": "acknowledged,expired"}, ["mine", "quiet"]),
        ({"state": "cancelled,merged"}, ["false", "part"]),
        ({"severity": "critical"}, ["one"]),
        ({"category": "availability"}, ["two"]),
        ({"target": "service/*"}, ["two"]),
        ({"model": "churn"}, ["one", "mine", "quiet", "false", "part"]),
        ({"person": "ada"}, ["mine"]),
        ({"person": "BOB"}, ["one"]),
        ({"q": "disk bob"}, ["one"]),
        ({"q": "disk ada"}, []),
        ({"q": "trial"}, ["two"]),
        ({"since": "2026-05-31T00:00:00Z", "until": "2026-06-01T11:30:00Z"}, ["two"]),
        ({"category": "drift", "severity": "error", "state": "acknowledged"}, ["mine"]),
    ],
)
def test_each_filter_takes_what_matches(some: Listed, given: dict[str, Any], found: list[str]) -> None:
    hour = timedelta(hours=1)
    some.keep("one", ago=hour / 4, severity=Severity.CRITICAL, timeline=(COMMENTED,))
    two = {"target": "service/shop", "category": "availability", "evidence": "plan = Trial"}
    some.keep("two", ago=hour, timeline=(TOLD,), **two)
    some.keep("mine", ago=9 * DAY, state=State.ACKNOWLEDGED, acknowledged_by="Ada", acknowledged_at=NOW)
    some.keep("quiet", ago=9 * DAY, ended=hour, expired=True)
    some.keep("false", ago=9 * DAY, ended=2 * hour, cancelled=True)
    some.keep("part", ago=9 * DAY, ended=3 * hour, merged_into="one")
    assert some.ids(**given) == found


def test_what_is_older_than_the_store_lists_comes_from_the_recorded_changes_and_says_so(some: Listed) -> None:
    some.keep("recent", ago=3 * DAY, ended=2 * DAY)
    some.keep("kept", ago=90 * DAY, ended=89 * DAY, category="availability", acknowledged_by="Ada")
    ends = [NOW - 89 * DAY, NOW - 100 * DAY]
    some.warehouse.answers = {PAST: [past("kept", ends[0]), past("gone", ends[1])]}
    first = some.page(q="Old Words", person="Ada", target="model/*", severity="critical")
    assert (first["incidents"], len(some.warehouse.asked)) == ([], 0)
    older = some.page(q="Old Words", person="Ada", target="model/*", severity="critical", cursor=first["next"])
    [(_, asked)] = some.warehouse.asked
    assert (asked["words"], asked["person"], asked["target"]) == ("old words", "ada", "model/%")
    assert (asked["severities"], asked["before"] < datetime(2026, 4, 28, tzinfo=UTC)) == ([3], True)
    kept, gone = older["incidents"]
    assert (kept["source"], kept["category"], kept["acknowledged_by"]) == ("store", "availability", "Ada")
    assert (gone["source"], gone["category"], gone["severity"]) == ("warehouse", None, "critical")
    assert older["next"] == ""
    assert some.ids(category="availability", cursor=first["next"]) == ["kept"]


def test_the_recorded_changes_are_read_page_by_page(some: Listed) -> None:
    rows = [past(str(n), NOW - (50 + n) * DAY) for n in range(3)]
    some.warehouse.answers = {PAST: rows}
    first = some.page()
    second = some.page(limit=2, cursor=first["next"])
    assert [one["id"] for one in second["incidents"]] == ["0", "1"]
    some.warehouse.answers = {PAST: rows[2:]}
    third = some.page(limit=2, cursor=second["next"])
    assert (some.warehouse.asked[-1][1]["before"], some.warehouse.asked[-1][1]["before_id"]) == (NOW - 51 * DAY, "1")
    assert ([one["id"] for one in third["incidents"]], third["next"]) == (["2"], "")


def test_the_newest_are_there_while_the_warehouse_is_away_and_older_ones_are_not_known(some: Listed) -> None:
    some.keep("one", ago=timedelta(hours=1))
    some.warehouse.down = True
    first = some.page()
    assert [one["id"] for one in first["incidents"]] == ["one"]
    response = some.client.get("/v1/incidents/search", query_string={"cursor": first["next"]})
    assert (response.status_code, (response.json or {})["detail"]) == (503, "BigQuery: does not answer")
    assert some.page(state="open")["next"] == ""  # what is open is never older


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"state": "gone"}, "state: must be of open, acknowledged"),
        ({"severity": "high"}, "severity: must be of info"),
        ({"since": "yesterday"}, "since: must be an instant with its time zone"),
        ({"limit": "0"}, "limit: must be 1 to 200"),
        ({"q": "x" * 201}, "q: must be 0 to 200 printable characters"),
        ({"cursor": "abc"}, "cursor: must be what `next` said"),
        ({"cursor": "W3RydWUsMCwiMjAyNi0wMS0wMVQwMDowMDowMCIsIngiXQ"}, "cursor: must be what `next` said"),
    ],
)
def test_what_is_not_understood_is_refused_with_what_is(some: Listed, given: dict[str, str], told: str) -> None:
    response = some.client.get("/v1/incidents/search", query_string=given)
    assert response.status_code == 400
    assert (response.json or {})["detail"].startswith(told)
