"""The incidents of the past: whole, over, and nobody was told of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import Finding, Severity, Status
from core.settings import Settings
from functions.adapters import config
from infra import stage
from infra.local.past.incidents import past_incidents

DAY = timedelta(days=1)
START = datetime(2026, 2, 1, tzinfo=UTC)
END = START + 20 * DAY
ENVIRONMENT = {
    "AIA_API_URL": "http://127.0.0.1:1",
    "AIA_INBOX_URL": "http://127.0.0.1:1/",
    "AIA_PROBE_NETWORKS": "127.0.0.0/8",
    "AIA_WAREHOUSE_ADDRESS": "127.0.0.1:1",
}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return config.load(stage.ROOT / "infra" / "monitoring.yaml", ENVIRONMENT)


def found(day: int, status: Status = Status.FIRING) -> Finding:
    return Finding(
        target="model/flight-delay",
        kind="drift",
        status=status,
        severity=Severity.ERROR,
        observed_at=START + day * DAY,
        source="drift_score",
        summary="departure_delay drifted",
    )


def spell(first: int, last: int) -> list[Finding]:
    """Drift on some days in a row, and its end on the day after."""
    return [*(found(day) for day in range(first, last + 1)), found(last + 1, Status.RESOLVED)]


def test_what_is_over_is_kept_with_its_impact_its_audit_trail_and_no_message(settings: Settings) -> None:
    past = past_incidents(spell(3, 6), settings, start=START, end=END)
    [incident] = past.documents.values()
    assert (incident["state"], incident["severity"]) == ("resolved", "error")
    assert incident["opened_at"] == START + 3 * DAY
    assert incident["resolved_at"] == START + 7 * DAY
    assert incident["impact"]["dollars_per_hour"] == 1100
    rows = past.changes.to_pylist()
    assert (rows[0]["change"], rows[-1]["change"]) == ("opened", "resolved")
    assert {row["incident_id"] for row in rows} == {incident["id"]}
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))
    assert len({row["id"] for row in rows}) == len(rows)
    assert not any("notified" in row["summary"] for row in rows)


def test_what_still_fires_at_the_end_is_left_to_the_live_ticks(settings: Settings) -> None:
    past = past_incidents([*spell(3, 6), *(found(day) for day in range(15, 20))], settings, start=START, end=END)
    assert [incident["opened_at"] for incident in past.documents.values()] == [START + 3 * DAY]
    assert {row["at"] for row in past.changes.to_pylist()} <= {START + day * DAY for day in range(8)}


def test_an_incident_belongs_to_the_part_in_which_it_was_opened(settings: Settings) -> None:
    findings = [*spell(3, 6), *spell(12, 14)]
    older = past_incidents(findings, settings, start=START, end=START + 5 * DAY)
    newer = past_incidents(findings, settings, start=START + 5 * DAY, end=END)
    assert [one["opened_at"] for one in older.documents.values()] == [START + 3 * DAY]
    assert [one["opened_at"] for one in newer.documents.values()] == [START + 12 * DAY]
    assert all(START <= point.at < START + 5 * DAY for point in older.points)
    assert all(START + 5 * DAY <= point.at < END for point in newer.points)


def test_charts_show_what_was_open_and_how_long_it_took(settings: Settings) -> None:
    past = past_incidents(spell(3, 6), settings, start=START, end=END)
    open_ = [
        point for point in past.points if point.name == "aia_incidents_open" and point.labels["severity"] == "error"
    ]
    assert {point.value for point in open_ if START + 3 * DAY < point.at < START + 7 * DAY} == {1.0}
    [mttr] = {point.value for point in past.points if point.name == "aia_incident_mttr_seconds"}
    assert not {point.name for point in past.points} & {"aia_incident_waiting_seconds", "aia_incidents_unacknowledged"}
    assert mttr == timedelta(days=4).total_seconds()
    ended = [point for point in past.points if point.name == "aia_incident_mttr_by_ending_seconds"]
    assert {(point.labels["ended_by"], point.value) for point in ended} == {("itself", mttr)}


def test_the_same_findings_in_another_order_are_the_same_incidents(settings: Settings) -> None:
    findings = [*spell(3, 6), *spell(12, 14)]
    one = past_incidents(findings, settings, start=START, end=END)
    two = past_incidents(findings[::-1], settings, start=START, end=END)
    assert one.documents == two.documents
    assert one.changes.equals(two.changes)


def test_of_no_findings_there_is_nothing(settings: Settings) -> None:
    past = past_incidents([], settings, start=START, end=END)
    assert (past.documents, past.points, len(past.changes)) == ({}, [], 0)
    warning = [replace(one, severity=Severity.WARNING) for one in (found(1), found(2, Status.RESOLVED))]
    assert len(past_incidents(warning, settings, start=START, end=END).documents) == 1
