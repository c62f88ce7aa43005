"""Which steps an incident takes: the difference between what it was and what is remembered of its conditions."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Change, Status
from core.incidents.charter import Charter
from core.incidents.episode import Episode
from core.incidents.life import Step
from core.incidents.model import Incident, Observation, Reason, State, Tracked


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is decided on: a condition as it was known, what is seen of it now, and why it would be over.

    Attributes:
        known: what was remembered of the condition, or None.
        seen: the observation.
        key: the condition.
        target: of the condition.
        summary: one line for people.
        cause: the id of the finding, or empty.
        ends: why the incident is over, if this ends it.
    """

    known: Tracked | None
    seen: Observation
    key: str
    target: str
    summary: str
    cause: str
    ends: Reason = Reason.ALL_RECOVERED

    def step(self, change: Change, reason: Reason, at: datetime) -> Step:
        """A step that this causes."""
        return Step(change, reason, at, self.summary, self.cause)


def steps(incident: Incident | None, episode: Episode, case: Case, charter: Charter) -> tuple[Step, ...]:
    """The steps of an incident, oldest first; most observations cause none.

    Args:
        incident: before, or None where there is none yet.
        episode: the last time in which its conditions fired, as it is known now.
        case: what is decided on.
        charter: what decisions go by.
    """
    if incident is None:
        first = case.step(Change.OPENED, Reason.FIRST_FIRING, episode.opened_at)
        return (first, *_over(episode.resolved_at, case))
    if incident.state is State.RESOLVED:
        return _again(incident, episode, case)
    if episode.resolved_at is not None:
        return (case.step(Change.RESOLVED, case.ends, episode.resolved_at),)
    if episode.severity.rank > incident.peak.rank:
        return (case.step(Change.ESCALATED, Reason.WORSENED, case.seen.at),)
    reason = _update(incident, episode, case, charter)
    return (case.step(Change.UPDATED, reason, case.seen.at),) if reason else ()


def worsened(taken: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps of an incident that has become worse by what it costs: a mere update escalates it."""
    return tuple(
        replace(step, change=Change.ESCALATED, reason=Reason.WORSENED) if step.change is Change.UPDATED else step
        for step in taken
    )


def why_not(case: Case) -> Reason:
    """Why there is no step."""
    if case.known is not None and case.seen.at < case.known.observed_at:
        return Reason.LATE
    return Reason.NOTHING_TO_RESOLVE if case.seen.status is Status.RESOLVED else Reason.UNCHANGED


def _again(incident: Incident, episode: Episode, case: Case) -> tuple[Step, ...]:
    over = episode.resolved_at
    if incident.closed_at is not None and not _new_since(incident.closed_at, incident, case):
        return ()
    if over is not None and incident.resolved_at is not None and over <= incident.resolved_at:
        return ()
    return (case.step(Change.REOPENED, Reason.FIRED_AGAIN, case.seen.at), *_over(over, case))


def _over(at: datetime | None, case: Case) -> tuple[Step, ...]:
    return () if at is None else (case.step(Change.RESOLVED, Reason.ALREADY_OVER, at),)


def _new_since(closed_at: datetime, incident: Incident, case: Case) -> bool:
    """Whether this is more than what a person knew who resolved the incident while it fired."""
    if case.seen.status is not Status.FIRING or case.seen.at <= closed_at:
        return False
    again = case.known is None or case.known.status is Status.RESOLVED
    return again or case.seen.severity.rank > incident.peak.rank


def _update(incident: Incident, episode: Episode, case: Case, charter: Charter) -> Reason | None:
    known, seen = case.known, case.seen
    if known is not None and seen.at < known.observed_at:
        return None
    was, fires = known is not None and known.status is Status.FIRING, case.key in episode.firing
    if fires != was:
        return Reason.JOINED if fires else Reason.PARTLY_RECOVERED
    if known is not None and fires and seen.severity is not known.severity:
        return Reason.WORSENED if seen.severity.rank > known.severity.rank else Reason.EASED
    last = max(entry.at for entry in incident.timeline)
    return Reason.STILL_FIRING if fires and seen.at - last >= charter.policy.summary_every else None
