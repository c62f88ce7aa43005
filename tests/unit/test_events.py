"""The events: what they are called, and what they refuse to hold."""

import json
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import (
    ActionDecision,
    Change,
    Command,
    Event,
    Finding,
    IncidentChange,
    IncidentDecision,
    RetrainingRequest,
    Severity,
    Status,
    Tick,
    stamp,
)

AT = datetime(2026, 1, 2, 3, 15, tzinfo=UTC)
TICK = Tick(job="drift_score", scheduled_at=AT)
FINDING = Finding(
    target="model/flight-delay",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.ERROR,
    observed_at=AT,
    source="drift_score",
    summary="3 of 12 features drifted",
)
CHANGE = IncidentChange(
    incident_id="model/flight-delay@2026-01-02T03:15:00Z",
    sequence=2,
    at=AT,
    change=Change.UPDATED,
    state="open",
    severity=Severity.ERROR,
    target="model/flight-delay",
    title="flight-delay drifted",
    reason="worse",
)
REQUEST = RetrainingRequest(
    model="flight-delay",
    model_version="3",
    requested_at=AT,
    reason="drift",
    window_start=AT - timedelta(days=60),
    window_end=AT - timedelta(hours=12),
    n_labels=4200,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
INSTANTS = st.datetimes(min_value=datetime(1971, 1, 3), max_value=datetime(2100, 1, 1), timezones=OFFSETS)  # noqa: DTZ001 - the zone is drawn apart


def test_an_event_is_called_by_what_it_is_about_and_when() -> None:
    assert TICK.id == "drift_score:2026-01-02T03:15:00Z"
    assert FINDING.condition == "model/flight-delay:drift"
    assert FINDING.id == "model/flight-delay:drift:2026-01-02T03:15:00Z"
    assert CHANGE.id == "model/flight-delay@2026-01-02T03:15:00Z:2"
    assert REQUEST.id == "flight-delay:2026-01-02T03:15:00Z"


@pytest.mark.parametrize(
    ("event", "table"),
    [
        (Command, "commands"),
        (IncidentChange, "incident_changes"),
        (ActionDecision, "action_decisions"),
        (IncidentDecision, "incident_decisions_raw"),
        (RetrainingRequest, "retraining_requests"),
    ],
)
def test_the_table_that_pubsub_writes_an_event_into_has_its_fields(event: type[Event], table: str) -> None:
    schema = json.loads((Path(__file__).parents[2] / f"infra/tables/ops.{table}.json").read_bytes())["schema"]
    assert {one.name for one in fields(event)} | {"type", "version", "id"} == {column["name"] for column in schema}


def test_an_observation_made_twice_has_one_id_whatever_it_says() -> None:
    assert replace(FINDING, status=Status.RESOLVED, severity=Severity.INFO, value=1.0).id == FINDING.id
    assert replace(FINDING, observed_at=AT + timedelta(microseconds=1)).id != FINDING.id
    assert replace(FINDING, kind="accuracy").id != FINDING.id
    assert replace(REQUEST, model_version="4", reason="below_floor", n_labels=1).id == REQUEST.id
    assert replace(REQUEST, requested_at=AT + timedelta(microseconds=1)).id != REQUEST.id
    assert replace(REQUEST, model="churn").id != REQUEST.id


@given(INSTANTS, OFFSETS)
def test_an_instant_is_spelt_in_one_way_in_every_zone(instant: datetime, zone: timezone) -> None:
    assert stamp(instant) == stamp(instant.astimezone(zone))
    assert datetime.fromisoformat(stamp(instant)) == instant
    assert Tick(job="x", scheduled_at=instant).id == Tick(job="x", scheduled_at=instant.astimezone(zone)).id


@given(INSTANTS, INSTANTS)
def test_two_instants_are_never_spelt_alike(one: datetime, other: datetime) -> None:
    assert (stamp(one) == stamp(other)) is (one == other)


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda at: replace(TICK, scheduled_at=at), "scheduled_at"),
        (lambda at: replace(FINDING, observed_at=at), "observed_at"),
        (lambda at: replace(CHANGE, at=at), "at"),
        (lambda at: replace(REQUEST, requested_at=at), "requested_at"),
        (lambda at: replace(REQUEST, window_start=at), "window_start"),
        (lambda at: replace(REQUEST, window_end=at), "window_end"),
    ],
)
def test_an_instant_without_a_zone_is_refused(make: Callable[[datetime], object], key: str) -> None:
    with pytest.raises(ValueError, match=f"^{key}: must carry a time zone, got 2026-01-02T03:15:00$"):
        make(AT.replace(tzinfo=None))


@pytest.mark.parametrize("length", [timedelta(0), timedelta(microseconds=-1)])
def test_a_request_to_train_on_no_data_is_refused(length: timedelta) -> None:
    with pytest.raises(ValueError, match=r"^window_end: must be after 2026-01-02T03:15:00Z, got 2026-01-02T03:1[45]"):
        replace(REQUEST, window_start=AT, window_end=AT + length)


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_a_year_that_cannot_be_told_everywhere_is_refused(year: int) -> None:
    with pytest.raises(ValueError, match=rf"^scheduled_at: must be a year 1971 to 9998, got {year:04}-01-02"):
        replace(TICK, scheduled_at=AT.replace(year=year))


def test_severities_are_ranked_from_least_to_worst() -> None:
    assert [severity.rank for severity in Severity] == [0, 1, 2, 3]
    assert max(Severity, key=lambda severity: severity.rank) is Severity.CRITICAL


def test_an_event_never_changes() -> None:
    for event, name in ((TICK, "job"), (FINDING, "summary"), (CHANGE, "title"), (REQUEST, "model_version")):
        with pytest.raises(FrozenInstanceError):
            setattr(event, name, "other")
        assert not hasattr(event, "__dict__")


def test_every_kind_of_event_has_a_type_and_a_version() -> None:
    kinds = [(kind.TYPE, kind.VERSION) for kind in (Tick, Finding, IncidentChange, RetrainingRequest)]
    assert kinds == [("tick", 1), ("finding", 1), ("incident_change", 1), ("retraining_request", 1)]
