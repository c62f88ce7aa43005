"""How an incident ended: healed by an automated action, by people, by itself, or not known.

The cause of the end of an incident is inferred from records, not from an experiment: people who owned it are considered the cause, as is an action after
which the sources reported that their conditions recovered. Whatever does not allow the one or the other is not known.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from core.actions.guards import TRAITS
from core.actions.plan import ActionReason
from core.events import ActionDecision, Mode, Stage
from core.incidents.model import Incident, State
from core.settings.response import ActionName

_APPLIED = frozenset({Stage.APPLIED, Stage.VERIFIED, Stage.UNDONE})
"""Stages that only an applied action reaches; one that failed may never have been applied."""


class EndedBy(StrEnum):
    """What ended an incident."""

    ACTION = "action"
    """Healed: the conditions recovered after an automated action, and no person resolved it."""
    PEOPLE = "people"
    """A person resolved it, or had it when it recovered and no action is known to have helped."""
    ITSELF = "itself"
    """It recovered; nobody had it, and no action was applied."""
    UNKNOWN = "unknown"
    """It expired, or an action was applied and it is not known whether that helped."""


ENDED_BY_TEXTS: Mapping[EndedBy, str] = MappingProxyType(
    {
        EndedBy.ACTION: "an automated action: the conditions recovered after it, and nobody resolved it",
        EndedBy.PEOPLE: "people",
        EndedBy.ITSELF: "itself: nobody had it, and no action was applied",
        EndedBy.UNKNOWN: "not known",
    }
)
"""For reports."""


class IncidentTimes(Protocol):
    """What is recorded of an incident that is over: the fields of the same names of `Incident`."""

    @property
    def resolved_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`
    @property
    def acknowledged_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`
    @property
    def mitigated_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`
    @property
    def closed_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`
    @property
    def acted_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`
    @property
    def expired(self) -> bool: ...  # noqa: D102 - as of `Incident`
    @property
    def healed_at(self) -> datetime | None: ...  # noqa: D102 - as of `Incident`


def ended_by(incident: IncidentTimes) -> EndedBy | None:
    """What ended an incident; None while it lasts."""
    if incident.resolved_at is None:
        return None
    if incident.closed_at is not None:
        return EndedBy.PEOPLE
    if incident.expired:
        return EndedBy.UNKNOWN
    if incident.healed_at is not None:
        return EndedBy.ACTION
    had = (at for at in (incident.acknowledged_at, incident.mitigated_at) if at is not None)
    if any(at <= incident.resolved_at for at in had):
        return EndedBy.PEOPLE
    return EndedBy.UNKNOWN if incident.acted_at is not None else EndedBy.ITSELF


def with_action(incident: Incident, decision: ActionDecision) -> Incident:
    """The incident with what a decision says about an applied action; unchanged where it says nothing of that.

    Decisions may come twice, late or out of order. An incident that came back by the time the verdict arrives was not healed, and a
    person who resolved it did so whatever the action did.

    Args:
        incident: that the request was for, or that it was merged into.
        decision: about one of its requests.
    """
    if decision.mode is not Mode.ACT or decision.stage not in _APPLIED or not _changes_something(decision.action):
        return incident
    acted = max(decision.at, incident.acted_at or decision.at)
    healed = max(decision.at, incident.healed_at or decision.at) if _healed(incident, decision) else incident.healed_at
    return replace(incident, acted_at=acted, healed_at=healed)


def _healed(incident: Incident, decision: ActionDecision) -> bool:
    helped = decision.stage is Stage.VERIFIED and decision.reason == ActionReason.RECOVERED
    if not helped or incident.state is not State.RESOLVED or incident.expired or incident.closed_at is not None:
        return False
    return incident.resolved_at is not None and decision.at >= incident.resolved_at


def _changes_something(action: str) -> bool:
    return action in tuple(ActionName) and not TRAITS[ActionName(action)].reads
