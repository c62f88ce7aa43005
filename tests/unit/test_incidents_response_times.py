"""Mean times: what counts, in which time, and that nothing ends before it begins."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.incidents.acknowledgement import Acknowledgement
from core.incidents.model import (
    Incident,
    State,
)
from core.incidents.response_times import ResponseRecord, ResponseTimes, response_times, response_times_by_severity

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
INCIDENT = Incident(
    id="i",
    target="model/m",
    title="t",
    state=State.RESOLVED,
    severity=Severity.ERROR,
    category="drift",
    opened_at=NINE,
    acknowledged_at=NINE + timedelta(minutes=4),
    resolved_at=NINE + timedelta(minutes=30),
)
MINUTES = st.integers(-600, 600).map(lambda minutes: NINE + timedelta(minutes=minutes))
INCIDENTS = st.lists(
    st.builds(
        ResponseRecord,
        severity=st.sampled_from(Severity),
        opened_at=MINUTES,
        reopened_at=st.none() | MINUTES,
        acknowledged_at=st.none() | MINUTES,
        acknowledgements=st.lists(
            st.builds(Acknowledgement, opened_at=MINUTES, acknowledged_at=MINUTES), max_size=3
        ).map(tuple),
        resolved_at=st.none() | MINUTES,
        cancelled=st.booleans(),
        expired=st.booleans(),
    ),
    max_size=8,
)


def test_what_only_expired_was_not_resolved() -> None:
    record = ResponseRecord(severity=Severity.ERROR, opened_at=NINE, acknowledged_at=NINE + timedelta(minutes=4))
    ended = replace(record, resolved_at=NINE + timedelta(minutes=30))
    times = response_times([ended, replace(ended, expired=True)], NINE, NINE + DAY)
    assert (times.n_resolved, times.mttr, times.n_acknowledged) == (1, timedelta(minutes=30), 2)


def closed(incident: Incident) -> ResponseRecord:
    """What is measured of an incident, as its copy in the store gives it: the fields of the same names."""
    return ResponseRecord(**{field.name: getattr(incident, field.name) for field in fields(ResponseRecord)})


def after(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


def test_the_means_are_over_what_was_acknowledged_and_what_was_resolved() -> None:
    slow = ResponseRecord(severity=Severity.ERROR, opened_at=NINE, acknowledged_at=after(10), resolved_at=after(60))
    unseen = ResponseRecord(severity=Severity.ERROR, opened_at=NINE, resolved_at=after(30))
    lasting = ResponseRecord(severity=Severity.ERROR, opened_at=NINE)
    times = response_times([closed(INCIDENT), slow, unseen, lasting], NINE, NINE + DAY)
    assert times == ResponseTimes(mtta=timedelta(minutes=7), mttr=timedelta(minutes=40), n_acknowledged=2, n_resolved=3)


def test_each_acknowledgement_counts_from_the_opening_or_reopening_before_it() -> None:
    first = Acknowledgement(opened_at=NINE, acknowledged_at=after(2))
    back = replace(
        INCIDENT, reopened_at=after(15), acknowledged_at=after(22), acknowledgements=(first,), resolved_at=None
    )
    assert (INCIDENT.last_opened_at, back.last_opened_at) == (NINE, after(15))
    times = response_times([closed(back)], NINE, NINE + DAY)
    assert times == ResponseTimes(mtta=timedelta(minutes=4.5), mttr=None, n_acknowledged=2, n_resolved=0)
    assert response_times([closed(back)], after(10), NINE + DAY).mtta == timedelta(minutes=7)


def test_there_is_no_mean_of_nothing() -> None:
    assert response_times([], NINE, NINE + DAY) == ResponseTimes(mtta=None, mttr=None, n_acknowledged=0, n_resolved=0)


def test_cancelled_and_merged_incidents_do_not_count() -> None:
    left_out = [closed(replace(INCIDENT, cancelled=True)), closed(replace(INCIDENT, merged_into="other"))]
    assert response_times(left_out, NINE, NINE + DAY).n_resolved == 0


@pytest.mark.parametrize(("end", "counted"), [(-1, 0), (0, 1), (59, 1), (60, 0)])
def test_an_incident_counts_in_the_time_in_which_it_ended(end: int, counted: int) -> None:
    one = ResponseRecord(
        severity=Severity.ERROR, opened_at=NINE - DAY, acknowledged_at=after(end), resolved_at=after(end)
    )
    times = response_times([one], NINE, after(60))
    assert (times.n_acknowledged, times.n_resolved) == (counted, counted)


def test_a_clock_that_runs_behind_takes_no_time_away() -> None:
    one = ResponseRecord(severity=Severity.ERROR, opened_at=after(5), acknowledged_at=NINE, resolved_at=NINE)
    times = response_times([one], NINE, NINE + DAY)
    assert (times.mtta, times.mttr) == (timedelta(0), timedelta(0))


def test_it_was_over_when_nothing_fired_or_a_person_said_so() -> None:
    assert INCIDENT.ended_at == after(30)
    assert replace(INCIDENT, closed_at=after(20)).ended_at == after(20)
    assert replace(INCIDENT, resolved_at=None, closed_at=after(20)).ended_at == after(20)
    assert replace(INCIDENT, resolved_at=None).ended_at is None


def test_every_severity_has_its_own_times() -> None:
    critical = replace(INCIDENT, severity=Severity.CRITICAL, resolved_at=after(10))
    found = response_times_by_severity((closed(one) for one in (INCIDENT, critical)), NINE, NINE + DAY)
    assert list(found) == [Severity.CRITICAL, Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert (found[Severity.CRITICAL].mttr, found[Severity.ERROR].mttr) == (timedelta(minutes=10), timedelta(minutes=30))
    assert found[Severity.INFO].n_resolved == 0


@given(INCIDENTS, MINUTES, MINUTES)
def test_times_are_never_negative_and_severities_add_up(
    incidents: list[ResponseRecord], since: datetime, until: datetime
) -> None:
    times = response_times(incidents, since, until)
    parts = response_times_by_severity(iter(incidents), since, until).values()
    assert sum(part.n_resolved for part in parts) == times.n_resolved
    assert sum(part.n_acknowledged for part in parts) == times.n_acknowledged
    for mean, count in ((times.mtta, times.n_acknowledged), (times.mttr, times.n_resolved)):
        assert (mean is None) == (count == 0)
        assert mean is None or mean >= timedelta(0)


@given(INCIDENTS, MINUTES, MINUTES, MINUTES)
def test_times_that_follow_each_other_count_each_incident_once(
    incidents: list[ResponseRecord], one: datetime, other: datetime, third: datetime
) -> None:
    first, middle, last = sorted((one, other, third))
    parts = [response_times(incidents, first, middle), response_times(incidents, middle, last)]
    whole = response_times(incidents, first, last)
    assert sum(part.n_resolved for part in parts) == whole.n_resolved
    assert sum(part.n_acknowledged for part in parts) == whole.n_acknowledged
