"""Moves: conditions whose target the settings put into another group continue there, and are resolved here."""

import logging

from core.events import Finding, Status
from core.incidents.conditions import moved
from core.incidents.fold import fold, resolve_condition
from core.incidents.model import IncidentCondition, IncidentReason
from core.incidents.outbox import IncidentGroup
from functions.services.incidents.service import IncidentService
from functions.services.incidents.transaction import Decide

log = logging.getLogger(__name__)


def move(service: IncidentService, group: IncidentGroup) -> IncidentGroup:
    """Move the firing conditions of a group whose targets now belong to another one; safe to call again.

    Args:
        service: the incident service.
        group: as saved.

    Returns:
        The group without them.

    Raises:
        AiaError: a dependency does not answer; the next sweep moves the rest.
    """
    graph, name = service.policy.graph, group.state.name
    for condition in group.state.conditions:
        destination = graph.group(condition.target)
        if destination == name or condition.status is not Status.FIRING:
            continue
        log.info("%s moves from %s to %s", condition.key, name, destination)
        service.commit(destination, _open(service, condition), at=condition.observed_at)
        group = service.commit(name, _close(service, condition), at=condition.observed_at).group
    return group


def _open(service: IncidentService, condition: IncidentCondition) -> Decide:
    return lambda state, now: fold(state, _finding(condition), now=now, policy=service.policy)


def _close(service: IncidentService, condition: IncidentCondition) -> Decide:
    return lambda state, _: resolve_condition(state, moved(condition), IncidentReason.MOVED, policy=service.policy)


def _finding(condition: IncidentCondition) -> Finding:
    return Finding(
        target=condition.target,
        kind=condition.kind,
        status=condition.status,
        severity=condition.severity,
        observed_at=condition.observed_at,
        source=condition.source,
        summary=condition.summary,
        value=condition.value,
        threshold=condition.threshold,
        unit=condition.unit,
        evidence={evidence.name: evidence.text for evidence in condition.evidence},
        runbook=condition.runbook,
        holds_until=condition.holds_until,
    )
