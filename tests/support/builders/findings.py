"""Findings of one condition by the minute, and what folding them gives."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.events import Finding, IncidentChange, Severity, Status
from core.incidents.fold import fold
from core.incidents.model import Decision, GroupState, Incident
from core.incidents.policy import IncidentPolicy
from core.settings import Policy

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=400)
TIMING = Policy()


def finding_at(
    minute: float, status: Status = Status.FIRING, severity: Severity = Severity.WARNING, **fields: Any
) -> Finding:
    """A finding of drift, some minutes after the start, with other fields."""
    finding = Finding(
        target="model/flight-delay",
        kind="drift",
        status=status,
        severity=severity,
        observed_at=START + timedelta(minutes=minute),
        source="drift_score",
        summary="departure_delay drifted",
    )
    return replace(finding, **fields)


def play(
    findings: Iterable[Finding], timing: Policy = TIMING
) -> tuple[GroupState, list[IncidentChange], list[Decision]]:
    """The state after some findings, the changes and the decisions."""
    state: GroupState | None = None
    decisions = []
    for finding in findings:
        decisions.append(fold(state, finding, now=NOW, policy=IncidentPolicy(timing=timing)))
        state = decisions[-1].state
    assert state is not None
    return state, [change for decision in decisions for change in decision.changes], decisions


def incident_of(state: GroupState) -> Incident:
    """The newest incident."""
    return state.incidents[-1]


def names(changes: Sequence[IncidentChange]) -> list[str]:
    """The names of changes."""
    return [change.change.value for change in changes]
