"""What automated actions are worth: what came of each, how long the recovery took, and the time that it saved.

From the decisions about actions and the incidents that ended, delivered twice, late or in any order. It describes what happened, and is no
experiment: see `core.actions.time_saved`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from core.actions.guards import TRAITS
from core.actions.plan import ActionReason
from core.actions.time_saved import IncidentDuration, TimeSaved, time_saved
from core.events import Severity, Stage
from core.settings.response import ActionName


class ActionResult(StrEnum):
    """What came of an action that was applied."""

    HELPED = "helped"
    """It is in place, and the sources of the conditions have reported since that they recovered."""
    NO_HELP = "did_not_help"
    """It did not work, or the conditions still fired."""
    WORSE = "made_worse"
    """The incident was worse than when it was applied."""
    UNKNOWN = "not_known"
    """It is in place and nothing was heard of the conditions, they expired, it could not be verified, or is not yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStep:
    """A decision about a request to act: the fields of `ActionDecision` of the same names."""

    request_id: str
    sequence: int
    incident_id: str
    action: str
    stage: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An action that was applied.

    Attributes:
        incident_id: the incident it was for.
        action: its name.
        applied_at: when it was applied, or None where that decision has not arrived.
        decided_at: the instant of the newest decision.
        result: what came of it.
    """

    incident_id: str
    action: str
    applied_at: datetime | None
    decided_at: datetime
    result: ActionResult


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedIncident:
    """An incident that is over.

    Attributes:
        id: of the incident.
        category: the class of incident.
        severity: its worst.
        opened_at: the opening.
        ended_at: when nothing fired any more or a person resolved it; the last time, where it was reopened.
        recoveries: when nothing fired any more, each time; not when a person resolved it.
        merged_into: the id of the incident that it is part of, or empty.
        counts: whether its duration is known and its own: it is neither merged nor cancelled, nor expired.
    """

    id: str
    category: str
    severity: Severity
    opened_at: datetime
    ended_at: datetime
    recoveries: tuple[datetime, ...] = ()
    merged_into: str = ""
    counts: bool = True

    @property
    def stratum(self) -> tuple[str, str]:
        """What like incidents have in common."""
        return self.category, self.severity.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Effectiveness:
    """What an action is worth.

    Attributes:
        results: how often each came of it.
        recovery: the median time from the application to the recovery, where it helped and both are known; else None.
        saved: the time that it saved; None of an action that is not to end conditions.
    """

    results: Mapping[ActionResult, int]
    recovery: timedelta | None
    saved: TimeSaved | None


def effectiveness(
    steps: Iterable[ActionStep], incidents: Iterable[EndedIncident], actions: Collection[str], *, since: datetime
) -> dict[str, Effectiveness]:
    """What each action is worth, by its name.

    Args:
        steps: decisions to act; also of requests that were decided before `since`, so that no incident with an action is taken
            for one without.
        incidents: those that ended since, in any order.
        actions: names that are in the result even if they were never applied.
        since: attempts whose newest decision is after it count.
    """
    tries = attempts(steps)
    known = {incident.id: incident for incident in incidents}
    newest = sorted(known.values(), key=lambda incident: (incident.ended_at, incident.id), reverse=True)
    touched = {_whole(one.incident_id, known) for one in tries if not _only_reads(one.action)}
    others = [_duration(one) for one in newest if one.counts and one.id not in touched]
    counted = [one for one in tries if one.decided_at > since]
    return {
        action: _effectiveness(action, [one for one in counted if one.action == action], newest, known, others)
        for action in sorted({*actions, *(one.action for one in counted)})
    }


def attempts(steps: Iterable[ActionStep]) -> list[Attempt]:
    """The actions that were applied, of any number of requests; one that failed before it was applied is none."""
    requests: dict[str, dict[int, ActionStep]] = {}
    for step in steps:
        requests.setdefault(step.request_id, {})[step.sequence] = step
    return [found for request in requests.values() if (found := _attempt(request)) is not None]


def _attempt(request: Mapping[int, ActionStep]) -> Attempt | None:
    last = request[max(request)]
    applied = next((step for step in request.values() if step.stage == Stage.APPLIED), None)
    if applied is None and last.stage not in (Stage.VERIFIED, Stage.UNDONE):
        return None
    return Attempt(
        incident_id=last.incident_id,
        action=last.action,
        applied_at=applied.at if applied else None,
        decided_at=last.at,
        result=_result(last),
    )


def _result(last: ActionStep) -> ActionResult:
    if last.stage == Stage.VERIFIED:
        return ActionResult.HELPED if last.reason == ActionReason.RECOVERED else ActionResult.UNKNOWN
    if last.stage not in (Stage.UNDONE, Stage.FAILED) or last.reason == ActionReason.NEVER_SETTLED:
        return ActionResult.UNKNOWN
    return ActionResult.WORSE if last.reason == ActionReason.WORSENED else ActionResult.NO_HELP


def _effectiveness(
    action: str,
    tries: Sequence[Attempt],
    newest: Sequence[EndedIncident],
    known: Mapping[str, EndedIncident],
    others: Sequence[IncidentDuration],
) -> Effectiveness:
    recoveries = [seconds for one in tries if (seconds := _recovery(one, known)) is not None]
    saved = time_saved(list(_acted(tries, newest, known)), others) if _is_remedy(action) else None
    return Effectiveness(
        results={result: sum(one.result is result for one in tries) for result in ActionResult},
        recovery=timedelta(seconds=median(recoveries)) if recoveries else None,
        saved=saved,
    )


def _recovery(attempt: Attempt, known: Mapping[str, EndedIncident]) -> float | None:
    """The seconds until the first recovery after the application, by the time it was verified; None where that is not known."""
    incident = known.get(_whole(attempt.incident_id, known))
    if attempt.result is not ActionResult.HELPED or attempt.applied_at is None or incident is None:
        return None
    after = [at for at in incident.recoveries if attempt.applied_at <= at <= attempt.decided_at]
    return (min(after) - attempt.applied_at).total_seconds() if after else None


def _acted(
    tries: Sequence[Attempt], newest: Sequence[EndedIncident], known: Mapping[str, EndedIncident]
) -> Iterator[IncidentDuration]:
    """The incidents in which the action was applied while they lasted, with their age at the first time; the newest first."""
    first: dict[str, datetime] = {}
    for one in tries:
        if one.applied_at is not None:
            incident_id = _whole(one.incident_id, known)
            first[incident_id] = min(one.applied_at, first.get(incident_id, one.applied_at))
    for incident in newest:
        if incident.counts and incident.id in first and first[incident.id] < incident.ended_at:
            yield _duration(incident, first[incident.id])


def _duration(incident: EndedIncident, applied_at: datetime | None = None) -> IncidentDuration:
    opened = incident.opened_at
    age = max((applied_at - opened).total_seconds(), 0.0) if applied_at else 0.0
    return IncidentDuration(
        stratum=incident.stratum, seconds=max((incident.ended_at - opened).total_seconds(), 0.0), age=age
    )


def _whole(incident_id: str, known: Mapping[str, EndedIncident]) -> str:
    """The id of the incident that this one was merged into, as far as it is known; its own where it was not."""
    seen: set[str] = set()
    while incident_id not in seen and (incident := known.get(incident_id)) and incident.merged_into:
        seen.add(incident_id)
        incident_id = incident.merged_into
    return incident_id


def _is_remedy(action: str) -> bool:
    return action in tuple(ActionName) and TRAITS[ActionName(action)].remedy


def _only_reads(action: str) -> bool:
    return action in tuple(ActionName) and TRAITS[ActionName(action)].reads
