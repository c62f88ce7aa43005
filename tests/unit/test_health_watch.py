"""From a probe's results to what is worth telling."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity, Status
from core.health.result import ProbeResult, Reason
from core.health.watch import Kind, Observation, State, Transition, finding, observations, step
from core.settings import Expect, HttpProbe, TcpProbe, TlsProbe

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SITE = HttpProbe(name="api", every=MINUTE, url="http://h/", expect=Expect(latency=timedelta(seconds=1)))
CERT = TlsProbe(name="web", every=MINUTE, host="h", warn_before=21 * DAY, critical_before=7 * DAY)
UP = ProbeResult(ok=True, reason=Reason.OK, latency=0.1, detail="HTTP 200")
DOWN = ProbeResult(ok=False, reason=Reason.REFUSED, latency=0.1, detail="refused: http://h/")
HOLDS = Observation(kind=Kind.ENDPOINT_DOWN, holds=True, severity=Severity.WARNING, summary="down")


def shows(left: timedelta) -> ProbeResult:
    return replace(UP, certificate_expires_at=AT + left)


def kinds(seen: tuple[Observation, ...]) -> dict[Kind, bool]:
    return {one.kind: one.holds for one in seen}


def told(held: str, fire_after: int = 3, recover_after: int = 2) -> list[Transition | None]:
    """What is told at each observation; `x` is one that holds."""
    state, transitions = State(), []
    for minute, mark in enumerate(held):
        seen = replace(HOLDS, holds=mark == "x", fire_after=fire_after, recover_after=recover_after)
        state, transition = step(state, seen, AT + minute * MINUTE)
        transitions.append(transition)
    return transitions


# What a result says


def test_a_good_answer_says_up_and_not_slow() -> None:
    assert kinds(observations(SITE, UP, AT)) == {Kind.ENDPOINT_DOWN: False, Kind.SLOW: False}


def test_a_slow_answer_is_slow_and_not_down() -> None:
    seen = observations(SITE, replace(UP, latency=1.5), AT)
    assert kinds(seen) == {Kind.ENDPOINT_DOWN: False, Kind.SLOW: True}
    assert (seen[1].value, seen[1].threshold, seen[1].unit) == (1.5, 1.0, "seconds")


def test_an_answer_that_takes_exactly_what_is_allowed_is_not_slow() -> None:
    assert not kinds(observations(SITE, replace(UP, latency=1.0), AT))[Kind.SLOW]


def test_what_does_not_answer_is_down_and_says_nothing_of_speed() -> None:
    assert kinds(observations(SITE, replace(DOWN, latency=9.0), AT)) == {Kind.ENDPOINT_DOWN: True}


def test_without_an_expected_latency_nothing_is_slow() -> None:
    probe = TcpProbe(name="db", every=MINUTE, host="h", port=1)
    assert kinds(observations(probe, replace(UP, latency=99.0), AT)) == {Kind.ENDPOINT_DOWN: False}


def test_down_counts_as_the_settings_say() -> None:
    probe = replace(SITE, fail_after=4, recover_after=5)
    assert {(one.fire_after, one.recover_after) for one in observations(probe, UP, AT)} == {(4, 5)}


@pytest.mark.parametrize(
    ("left", "holds", "severity"),
    [
        (22 * DAY, False, Severity.WARNING),
        (21 * DAY, True, Severity.WARNING),
        (8 * DAY, True, Severity.WARNING),
        (7 * DAY, True, Severity.CRITICAL),
        (-DAY, True, Severity.CRITICAL),
    ],
)
def test_a_certificate_warns_and_then_is_critical(left: timedelta, holds: bool, severity: Severity) -> None:  # noqa: FBT001 - a table's column
    seen = observations(CERT, shows(left), AT)[-1]
    assert (seen.kind, seen.holds, seen.severity) == (Kind.CERTIFICATE_EXPIRING, holds, severity)
    assert seen.value == left.total_seconds()


@pytest.mark.parametrize(
    ("left", "words"), [(2 * DAY, "expires in 2.0 days, on 2026-01-04"), (-DAY, "expired 1.0 days ago, on 2026-01-01")]
)
def test_a_certificate_tells_its_date(left: timedelta, words: str) -> None:
    assert observations(CERT, shows(left), AT)[-1].summary == f"the certificate of web {words}"


def test_a_refused_certificate_is_down_and_still_counts_its_days() -> None:
    expired = replace(DOWN, reason=Reason.CERTIFICATE_EXPIRED, certificate_expires_at=AT - DAY)
    assert kinds(observations(CERT, expired, AT)) == {Kind.ENDPOINT_DOWN: True, Kind.CERTIFICATE_EXPIRING: True}


def test_no_certificate_says_nothing_of_its_days() -> None:
    assert kinds(observations(CERT, DOWN, AT)) == {Kind.ENDPOINT_DOWN: True}


def test_the_certificate_of_an_http_probe_is_another_probes_business() -> None:
    assert Kind.CERTIFICATE_EXPIRING not in kinds(observations(SITE, shows(DAY), AT))


# When it is told


def test_failures_in_a_row_start_and_successes_in_a_row_end() -> None:
    assert told("xxxx...") == [
        None,
        None,
        Transition.STARTED,
        None,
        None,
        Transition.ENDED,
        None,
    ]


def test_failures_that_are_not_in_a_row_tell_nothing() -> None:
    assert set(told("xx.xx.")) == {None}


def test_one_success_does_not_end_it() -> None:
    assert told("x.x.", fire_after=1) == [Transition.STARTED, None, None, None]


def test_an_old_or_repeated_observation_changes_and_tells_nothing() -> None:
    state, transition = step(State(), HOLDS, AT)
    assert transition is Transition.STARTED
    for late in (AT, AT - MINUTE):
        for holds in (True, False):
            assert step(state, replace(HOLDS, holds=holds, severity=Severity.CRITICAL), late) == (state, None)


def test_a_change_of_severity_is_told_while_it_holds() -> None:
    state, _ = step(State(), HOLDS, AT)
    state, worsened = step(state, replace(HOLDS, severity=Severity.CRITICAL), AT + MINUTE)
    assert (worsened, state.severity) == (Transition.WORSENED, Severity.CRITICAL)
    state, eased = step(state, HOLDS, AT + 2 * MINUTE)
    assert (eased, state.severity) == (Transition.EASED, Severity.WARNING)


def test_a_severity_is_not_told_before_it_fires_and_is_kept_while_it_recovers() -> None:
    slow = replace(HOLDS, fire_after=2, recover_after=2)
    state, first = step(State(), slow, AT)
    state, second = step(state, replace(slow, severity=Severity.CRITICAL), AT + MINUTE)
    state, third = step(state, replace(slow, holds=False, severity=Severity.INFO), AT + 2 * MINUTE)
    assert (first, second, third) == (None, Transition.STARTED, None)
    assert state.severity is Severity.CRITICAL


@given(held=st.text("x.", max_size=30), fire=st.integers(1, 4), recover=st.integers(1, 4))
def test_it_starts_and_ends_in_turn(held: str, fire: int, recover: int) -> None:
    seen = [one for one in told(held, fire, recover) if one]
    assert seen == [Transition.STARTED, Transition.ENDED] * (len(seen) // 2) + [Transition.STARTED] * (len(seen) % 2)


@given(held=st.lists(st.booleans(), min_size=1, max_size=12), times=st.integers(2, 5))
def test_delivered_many_times_has_the_effect_of_once(held: list[bool], times: int) -> None:
    def final(repeat: int) -> tuple[State, list[Transition]]:
        state, transitions = State(), []
        for minute, holds in enumerate(held):
            for _ in range(repeat):
                state, transition = step(state, replace(HOLDS, holds=holds, fire_after=2), AT + minute * MINUTE)
                transitions += [transition] if transition else []
        return state, transitions

    assert final(times) == final(1)


# What is told


def test_a_finding_tells_the_transition_with_its_evidence() -> None:
    seen = observations(replace(SITE, fail_after=1), DOWN, AT)[0]
    state, transition = step(State(), seen, AT)
    assert transition is Transition.STARTED
    made = finding(SITE, DOWN, seen, state, transition)
    assert (made.id, made.status, made.severity) == (
        "probe/api:endpoint_down:2026-01-02T03:04:00Z",
        Status.FIRING,
        "critical",
    )
    assert made.summary == "api is down: refused: http://h/"
    assert made.evidence == {"transition": "started", "reason": "refused", "detail": "refused: http://h/"}
    assert made.runbook == "probes.md#endpoint_down"


def test_a_finding_of_an_end_keeps_how_bad_it_was() -> None:
    seen = observations(CERT, shows(99 * DAY), AT)[-1]
    state = State(
        condition=replace(step(State(), replace(seen, holds=True), AT - DAY)[0].condition), severity=Severity.CRITICAL
    )
    state, transition = step(state, seen, AT)
    assert transition is Transition.ENDED
    made = finding(CERT, shows(99 * DAY), seen, state, transition)
    assert (made.status, made.severity) == (Status.RESOLVED, Severity.CRITICAL)


def test_a_finding_needs_an_observation() -> None:
    with pytest.raises(ValueError, match="state: must have counted an observation"):
        finding(SITE, UP, observations(SITE, UP, AT)[0], State(), Transition.STARTED)
