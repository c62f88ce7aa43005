"""The loss of an incident: its impact by the hour, over the time in which it fires and is not mitigated."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Command, Finding, Severity, Status, Verb
from core.incidents.commands import apply_command
from core.incidents.fold import fold
from core.incidents.impact import estimate_loss
from core.incidents.model import (
    GroupState,
)
from core.incidents.policy import Graph, IncidentPolicy
from core.settings import Dependency
from core.settings.response import ImpactPolicy, Revenue
from tests.support.builders.budget import examples
from tests.support.builders.findings import NOW, START, finding_at

POLICY = IncidentPolicy()
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED
minutes = st.integers(0, 120)


EARNING = IncidentPolicy(
    revenue={"model/flight-delay": Revenue(dollars_per_hour=1200.0)},
    impact=ImpactPolicy(at_risk={Severity.CRITICAL: 1.0, Severity.ERROR: 0.5, Severity.WARNING: 0.1}),
)


def earned(state: GroupState, *findings: Finding, policy: IncidentPolicy = EARNING) -> GroupState:
    for finding in findings:
        state = fold(state, finding, now=NOW, policy=policy).state
    return state


def cost(state: GroupState, minute: float = 10_000) -> float:
    """What all incidents have cost by then, those that are part of another within that one."""
    whole = (incident for incident in state.incidents if not incident.merged_into)
    return sum(estimate_loss(incident, START + timedelta(minutes=minute)).dollars for incident in whole)


EMPTY = GroupState(name="model/flight-delay")


def test_ten_critical_hours_and_a_minute_of_warning_cost_ten_critical_hours() -> None:
    state = earned(EMPTY, finding_at(0, severity=Severity.CRITICAL), finding_at(600), finding_at(601, RESOLVED))
    assert cost(state) == pytest.approx(12_002)


def test_a_fault_that_flaps_costs_only_while_it_fires() -> None:
    half: Any = {"severity": Severity.ERROR}
    flaps = [
        finding_at(0, **half),
        finding_at(1, RESOLVED),
        finding_at(25, **half),
        finding_at(26, RESOLVED),
        finding_at(50, **half),
    ]
    state = earned(EMPTY, *flaps)
    assert len(state.incidents) == 1
    assert [cost(state, minute) for minute in (50, 51, 60)] == pytest.approx([20.0, 30.0, 120.0])
    assert cost(earned(state, finding_at(51, RESOLVED))) == pytest.approx(30.0)


def test_what_is_mitigated_costs_no_more_until_it_comes_back() -> None:
    state = earned(EMPTY, finding_at(0, severity=Severity.CRITICAL))
    said = Command(verb=Verb.MITIGATE, subject=state.incidents[0].id, by="ada", at=START + timedelta(minutes=10))
    state = earned(
        apply_command(state, said).state,
        finding_at(20, kind="late"),
        finding_at(30, RESOLVED),
        finding_at(30, RESOLVED, kind="late"),
    )
    assert cost(state) == pytest.approx(200.0)
    assert cost(earned(state, finding_at(40)), 50) == pytest.approx(220.0)


def test_what_a_person_closed_while_it_fires_costs_no_more() -> None:
    state = earned(EMPTY, finding_at(0, severity=Severity.CRITICAL))
    said = Command(verb=Verb.RESOLVE, subject=state.incidents[0].id, by="ada", at=START + timedelta(minutes=10))
    assert cost(earned(apply_command(state, said).state, finding_at(20))) == pytest.approx(200.0)


def test_a_late_finding_takes_nothing_back_and_counts_nothing_twice() -> None:
    critical: Any = {"severity": Severity.CRITICAL}
    state = earned(
        EMPTY,
        finding_at(0),
        finding_at(60, **critical),
        finding_at(30, RESOLVED),
        finding_at(90, RESOLVED),
        finding_at(20, **critical),
    )
    assert 0 <= cost(state) <= 1200 * 1.5
    late = earned(EMPTY, finding_at(60, **critical), finding_at(0, **critical), finding_at(90, RESOLVED))
    assert cost(late) == pytest.approx(1800.0), "it is known to have fired since the earlier one"


def test_an_incident_holds_what_its_parts_have_cost() -> None:
    graph = Graph(
        [Dependency(target="model/a", needs="table/t"), Dependency(target="model/b", needs="table/t")],
    )
    revenue = {name: Revenue(dollars_per_hour=600.0) for name in ("model/a", "model/b")}
    policy = replace(EARNING, graph=graph, revenue=revenue)
    one, other = (
        finding_at(minute, severity=Severity.CRITICAL, target=t) for minute, t in ((0, "model/a"), (2, "model/b"))
    )
    before = earned(GroupState(name=graph.group("table/t")), one, other, policy=policy)
    assert len(before.incidents) == 2
    state = earned(before, finding_at(4, severity=Severity.CRITICAL, target="table/t"), policy=policy)
    assert [bool(incident.merged_into) for incident in state.incidents].count(True) == 1
    assert cost(state, 4) == pytest.approx(60.0)
    assert cost(state, 10) == pytest.approx(180.0)


lives = st.lists(
    st.tuples(st.integers(0, 240), st.sampled_from("ab"), st.sampled_from(Status), st.sampled_from(Severity)),
    min_size=1,
    max_size=14,
    unique_by=lambda seen: seen[0],
).map(lambda seen: [finding_at(minute, status, severity, kind=kind) for minute, kind, status, severity in seen])


def fired(findings: Iterable[Finding]) -> tuple[float, float]:
    """The hours in which something fired until minute 300, and what that cost: minute by minute, in order."""
    seen = {finding.observed_at: finding for finding in findings}
    firing: dict[str, Severity] = {}
    minutes, dollars = 0, 0.0
    for minute in range(300):
        finding = seen.get(START + timedelta(minutes=minute))
        if finding is not None and finding.status is FIRING:
            firing[finding.kind] = finding.severity
        elif finding is not None:
            firing.pop(finding.kind, None)
        minutes += bool(firing)
        dollars += 1200 / 60 * max((EARNING.impact.at_risk.get(one, 0.0) for one in firing.values()), default=0.0)
    return minutes / 60, dollars


@settings(max_examples=examples(200), deadline=None)
@given(findings=lives)
def test_in_order_the_loss_is_what_was_at_risk_minute_by_minute(findings: list[Finding]) -> None:
    ordered = sorted(findings, key=lambda finding: finding.observed_at)
    assert cost(earned(EMPTY, *ordered), 300) == pytest.approx(fired(ordered)[1])


@settings(max_examples=examples(200), deadline=None)
@given(findings=lives, times=st.integers(1, 2))
def test_in_any_order_the_loss_is_bounded_and_nothing_where_nothing_earns(findings: list[Finding], times: int) -> None:
    delivered = findings * times
    first = min(finding.observed_at for finding in findings)
    hours = (START + timedelta(minutes=300) - first) / timedelta(hours=1)
    assert 0 <= cost(earned(EMPTY, *delivered), 300) <= 1200 * hours * (1 + 1e-9)
    assert cost(earned(EMPTY, *delivered, policy=POLICY), 300) == 0


def test_an_acknowledgement_counts_from_when_it_came_back() -> None:
    state = earned(EMPTY, finding_at(0), finding_at(10, RESOLVED), finding_at(15))
    assert (state.incidents[0].reopened_at, state.incidents[0].opened_at) == (START + timedelta(minutes=15), START)


def test_what_comes_back_after_its_incident_is_forgotten_costs_from_then_on() -> None:
    state = replace(earned(EMPTY, finding_at(0), finding_at(10, RESOLVED)), incidents=())
    state = earned(state, finding_at(20, severity=Severity.CRITICAL))
    assert state.incidents[0].reopened_at == START + timedelta(minutes=20)
    assert cost(state, 30) == pytest.approx(200.0)
