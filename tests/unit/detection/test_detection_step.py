"""From verdicts to findings: what fires, what resolves, and what is published of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detection import (
    NO_VERDICT,
    ConditionSpec,
    ConditionState,
    Hysteresis,
    NoVerdict,
    Observation,
    Outcome,
    Verdict,
    step,
)
from core.events import Finding, Severity, Status

AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SPEC = ConditionSpec(target="model/churn", kind="drift", source="drift_score", runbook="models.md#drift")
MARKS = {"x": Outcome.BAD, ".": Outcome.GOOD, "?": Outcome.NOT_KNOWN}
HISTORIES = st.text("x.?", max_size=30)
HYSTERESES = st.builds(Hysteresis, fire_after=st.integers(1, 4), recover_after=st.integers(1, 4))


class Reason(StrEnum):
    MOVED = "moved"


BAD = Verdict(outcome=Outcome.BAD, reason=Reason.MOVED, summary="churn: it moved")


def observed(mark: str, minute: int, spec: ConditionSpec = SPEC, **names: Severity) -> Observation:
    verdict = replace(BAD, outcome=MARKS[mark], **names)
    return Observation(spec=spec, verdict=verdict, at=AT + minute * MINUTE)


def run(spec: ConditionSpec, *observations: Observation) -> tuple[ConditionState, list[Finding]]:
    state, findings = ConditionState(), list[Finding]()
    for one in observations:
        state, found = step(state, replace(one, spec=spec))
        findings += found
    return state, findings


def published(marks: str, spec: ConditionSpec = SPEC) -> str:
    """What is published at each verdict, a minute apart: F for a firing, R for a resolution."""
    state, found = ConditionState(), ""
    for minute, mark in enumerate(marks):
        state, findings = step(state, observed(mark, minute, spec))
        found += "".join("F" if finding.status is Status.FIRING else "R" for finding in findings) or "-"
    return found


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("xxxx...", "--F--R-"),
        ("xx.xx.", "------"),
        ("xxx.x.", "--F---"),
        ("xx?x", "---F"),
        ("xxx??.?.", "--F----R"),
        ("???", "---"),
    ],
)
def test_a_change_of_the_status_is_published(marks: str, expected: str) -> None:
    spec = replace(SPEC, hysteresis=Hysteresis(fire_after=3, recover_after=2))
    assert published(marks, spec) == expected


def test_where_it_repeats_every_bad_verdict_is_published_while_it_fires() -> None:
    spec = replace(SPEC, repeat=True, hysteresis=Hysteresis(fire_after=2, recover_after=2))
    assert published("xxx?x.x...x", spec) == "-FF-F-F-R--"


def test_a_change_of_the_severity_is_published_while_it_fires() -> None:
    spec = replace(SPEC, hysteresis=Hysteresis(fire_after=2, recover_after=2))
    severities = (Severity.INFO, Severity.WARNING, Severity.CRITICAL, Severity.CRITICAL, Severity.WARNING)
    seen = [observed("x", minute, severity=severity) for minute, severity in enumerate(severities)]
    state, findings = run(spec, *seen)
    assert [finding.severity for finding in findings] == [Severity.WARNING, Severity.CRITICAL, Severity.WARNING]
    assert state.severity is Severity.WARNING


def test_an_end_has_the_severity_that_the_condition_had() -> None:
    spec = replace(SPEC, hysteresis=Hysteresis(recover_after=2))
    bad = observed("x", 0, severity=Severity.CRITICAL)
    state, findings = run(spec, bad, *(observed(".", minute, severity=Severity.INFO) for minute in (1, 2)))
    assert [(one.status, one.severity) for one in findings] == [
        (Status.FIRING, Severity.CRITICAL),
        (Status.RESOLVED, Severity.CRITICAL),
    ]
    assert (state.status, state.reason) == (Status.RESOLVED, "moved")


def test_a_finding_says_what_the_verdict_says() -> None:
    verdict = replace(BAD, value=0.6, threshold=0.2, unit="sd", evidence={"age": "PSI 0.6"}, severity=Severity.ERROR)
    _, [finding] = step(ConditionState(), Observation(spec=SPEC, verdict=verdict, at=AT))
    assert finding == Finding(
        target="model/churn",
        kind="drift",
        status=Status.FIRING,
        severity=Severity.ERROR,
        observed_at=AT,
        source="drift_score",
        summary="churn: it moved",
        value=0.6,
        threshold=0.2,
        unit="sd",
        evidence={"age": "PSI 0.6", "reason": "moved"},
        runbook="models.md#drift",
    )
    assert finding.condition == SPEC.key


def test_a_feature_may_be_called_reason() -> None:
    verdict = replace(BAD, evidence={"reason": "PSI 0.6"})
    _, [finding] = step(ConditionState(), Observation(spec=SPEC, verdict=verdict, at=AT))
    assert finding.evidence == {"reason": "PSI 0.6"}


@given(HISTORIES, HYSTERESES)
def test_it_fires_and_resolves_in_turn(marks: str, hysteresis: Hysteresis) -> None:
    found = published(marks, replace(SPEC, hysteresis=hysteresis)).replace("-", "")
    assert found == ("FR" * len(marks))[: len(found)]


@given(HISTORIES, HYSTERESES, st.booleans())
def test_what_is_not_known_is_as_if_nobody_had_looked(marks: str, hysteresis: Hysteresis, repeat: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    spec = replace(SPEC, hysteresis=hysteresis, repeat=repeat)
    seen = [observed(mark, minute) for minute, mark in enumerate(marks)]
    known = [one for one in seen if one.verdict.outcome is not Outcome.NOT_KNOWN]
    assert run(spec, *seen) == run(spec, *known)


ARRIVALS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from("x.?")), max_size=30)


@given(ARRIVALS, HYSTERESES, st.booleans())
def test_what_comes_late_or_again_counts_for_nothing(
    arrivals: list[tuple[int, str]],
    hysteresis: Hysteresis,
    repeat: bool,  # noqa: FBT001 - hypothesis gives it
) -> None:
    spec = replace(SPEC, hysteresis=hysteresis, repeat=repeat)
    newest, in_order = -1, list[Observation]()
    for minute, mark in arrivals:
        if minute > newest and mark != "?":
            newest = minute
            in_order.append(observed(mark, minute))
    assert run(spec, *(observed(mark, minute) for minute, mark in arrivals)) == run(spec, *in_order)


# Concluded from the whole history


CUMULATIVE = replace(SPEC, repeat=True, cumulative=True)


def test_what_is_good_while_nothing_fires_leaves_nothing_to_remember() -> None:
    fresh = ConditionState()
    assert step(fresh, observed(".", 0, CUMULATIVE)) == (fresh, ())
    assert step(fresh, observed("?", 0, CUMULATIVE)) == (fresh, ())
    resolved, _ = run(CUMULATIVE, observed("x", 0), observed(".", 1))
    assert step(resolved, observed(".", 2, CUMULATIVE))[0] is resolved


def test_a_history_that_grew_corrects_the_verdict_about_its_instant() -> None:
    firing, findings = run(CUMULATIVE, observed("x", 1), observed("x", 1), observed("x", 2))
    assert (firing.at, firing.since, len(findings)) == (AT + 2 * MINUTE, AT + MINUTE, 2)
    for old in (observed("x", 2, CUMULATIVE), observed("x", 1, CUMULATIVE), observed(".", 1, CUMULATIVE)):
        assert step(firing, old)[0] is firing
    state, [finding] = step(firing, observed(".", 2, CUMULATIVE))
    assert (state.status, finding.status, state.at) == (Status.RESOLVED, Status.RESOLVED, firing.at)


def test_it_has_no_hysteresis_of_its_own() -> None:
    with pytest.raises(
        ValueError, match=r"hysteresis: must be 1 and 1 where verdicts are cumulative, got Hyst.*\(fire"
    ):
        replace(CUMULATIVE, hysteresis=Hysteresis(fire_after=2))


WATCHED = replace(SPEC, no_verdict=NoVerdict(after=3 * MINUTE, severity=Severity.ERROR))


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        ("???", "---"),
        ("????????", "---F----"),
        ("????.", "---FR"),
        ("????x.", "---FFRR"),
        ("??.????.", "------FR"),
        ("x?????.", "F---F-RR"),
        (".?.?.?.?", "--------"),
    ],
)
def test_nothing_known_for_too_long_is_a_finding_until_something_is(marks: str, expected: str) -> None:
    assert published(marks, WATCHED) == expected


def test_what_is_not_known_is_told_as_that_with_its_reason_and_since_when() -> None:
    _, [finding, again, recovered] = run(WATCHED, *(observed(mark, minute) for minute, mark in enumerate("????x")))
    assert (finding.kind, finding.target, finding.severity) == (NO_VERDICT, SPEC.target, Severity.ERROR)
    assert finding.summary == "no verdict on drift of model/churn since 2026-01-02 03:04 UTC: churn: it moved"
    assert (finding.value, finding.threshold, finding.unit) == (180.0, 180.0, "seconds")
    assert finding.evidence == {"reason": "moved", "condition": "drift"}
    assert (again.kind, again.status) == ("drift", Status.FIRING)
    assert (recovered.kind, recovered.status, recovered.severity) == (NO_VERDICT, Status.RESOLVED, Severity.ERROR)


def test_a_condition_says_of_which_kind_its_finding_is_and_it_ends_where_it_is_never_one() -> None:
    own = replace(WATCHED, no_verdict=NoVerdict(after=3 * MINUTE, kind="no_performance_verdict"))
    state, [finding] = run(own, *(observed("?", minute) for minute in range(4)))
    assert finding.kind == "no_performance_verdict"
    never = replace(own, no_verdict=NoVerdict(after=None, kind="no_performance_verdict"))
    after, found = step(state, replace(observed("?", 4), spec=never))
    assert [(one.kind, one.status) for one in found] == [("no_performance_verdict", Status.RESOLVED)]
    assert not after.unknown_told
    assert run(never, *(observed("?", minute) for minute in range(9)))[1] == []


def test_a_late_verdict_does_not_end_what_is_not_known_since_then() -> None:
    seen = [observed("?", 3), observed(".", 1), observed("?", 6)]
    assert [finding.kind for finding in run(WATCHED, *seen)[1]] == [NO_VERDICT]
    assert run(WATCHED, observed(".", 5), observed("?", 3), observed("?", 6))[1] == []


@given(HISTORIES)
def test_what_is_not_known_changes_nothing_about_what_is(marks: str) -> None:
    watched = [one for one in run(WATCHED, *map(observed, marks, range(len(marks))))[1] if one.kind != NO_VERDICT]
    assert watched == run(SPEC, *map(observed, marks, range(len(marks))))[1]


@given(HISTORIES)
def test_each_verdict_delivered_again_is_no_news(marks: str) -> None:
    seen = list(map(observed, marks, range(len(marks))))
    assert run(WATCHED, *(one for one in seen for _ in range(2))) == run(WATCHED, *seen)
