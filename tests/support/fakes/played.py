"""A group with its decisions, notifications and outbox, in memory and by the clock of the test: the service without its adapters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.events import ActionDecision, ActionRequest, Command, Finding, Mode, Severity, Stage, Status, Verb
from core.incidents.commands import apply_command
from core.incidents.expiry import expire
from core.incidents.fold import fold
from core.incidents.merging import Whole, absorb, announce, join, report_parts
from core.incidents.messages import Message, compose
from core.incidents.model import Decision, GroupState, Incident, IncidentReason
from core.incidents.notification import Notification, plan_notifications
from core.incidents.outbox import Effect, IncidentGroup, apply_decision, remove_effects
from core.incidents.policy import IncidentPolicy
from core.incidents.response import record_decision, request_actions
from core.incidents.routing import Silence, incident_mute
from core.incidents.target_owners import settle_owners
from core.settings.people import People, Route, Stakeholder, Tier, When

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
MODEL = "model/flight-delay"
TECHNICAL = Stakeholder(
    name="technical",
    tiers=(Tier(to=("inbox",), wait=timedelta(minutes=5)), Tier(to=("pager",), wait=timedelta(minutes=15))),
)
PEOPLE = People(stakeholders={"technical": TECHNICAL}, routes=(Route(when=When(), to=("technical",)),))
POLICY = IncidentPolicy(people=PEOPLE, url="http://pages/")
FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


def at(minute: float) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minute)


def found(minute: float, status: Status = FIRING, severity: Severity = Severity.ERROR, **fields: Any) -> Finding:
    """What a detector noticed so many minutes after the start."""
    finding = Finding(
        target=MODEL,
        kind="drift",
        status=status,
        severity=severity,
        observed_at=at(minute),
        source="drift_score",
        summary="departure_delay drifted",
    )
    return replace(finding, **fields)


@dataclass
class Played:
    """A group of targets, and everything that was said about it."""

    policy: IncidentPolicy = POLICY
    silences: Sequence[Silence] = ()
    group: IncidentGroup = field(default_factory=lambda: IncidentGroup(state=GroupState(name=MODEL)))
    decisions: list[Decision] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    requests: list[ActionRequest] = field(default_factory=list)
    reported: list[Finding] = field(default_factory=list)
    """What parts said to the incidents that they are parts of."""
    gone: list[Effect] = field(default_factory=list)
    deferred: bool = False
    delivers: bool = True
    """Whether everything that is pending is done at once."""
    copies: bool = False
    """Whether at least the copies are made, as wherever the store takes the document."""

    @property
    def state(self) -> GroupState:
        return self.group.state

    @property
    def incident(self) -> Incident:
        """The newest one that is no part of another."""
        return [one for one in self.state.incidents if not one.merged_into][-1]

    @property
    def told(self) -> list[str]:
        return [notification.change.value for notification in self.notifications]

    @property
    def why(self) -> list[IncidentReason]:
        return [notification.reason for notification in self.notifications]

    @property
    def receivers(self) -> list[tuple[str, ...]]:
        return [notification.channels for notification in self.notifications]

    def find(self, *findings: Finding, now: datetime | None = None) -> "Played":
        for finding in findings:
            present = now or finding.observed_at
            decision = fold(self.state, finding, now=present, policy=self.policy)
            self._take(decision, finding.observed_at, present)
        return self

    def say(
        self,
        verb: Verb,
        minute: float,
        *,
        about: str = "",
        words: str = "",
        by: str = "Ada",
        to: str = "",
        target: str = "",
    ) -> "Played":
        subject = about or self.incident.id
        said = Command(verb=verb, subject=subject, by=by, at=at(minute), note=words, to=to, target=target)
        self._take(apply_command(self.state, said), at(minute), at(minute))
        return self

    def act(self, minute: float, *, stage: Stage = Stage.VERIFIED, mode: Mode = Mode.ACT, **fields: Any) -> "Played":
        decision = ActionDecision(
            request_id="r",
            sequence=int(minute),
            incident_id=self.incident.id,
            action="restart_service",
            target=MODEL,
            mode=mode,
            stage=stage,
            reason="healthy",
            at=at(minute),
        )
        self._take(record_decision(self.state, replace(decision, **fields)), at(minute), at(minute))
        return self

    def merge(self, whole: "Played", minute: float, *, about: str = "", into: str = "", by: str = "Ada") -> "Played":
        """Merge an incident into one of another group, or of this one: as the service does, without its documents."""
        named = next(one for one in self.state.incidents if one.id == (about or self.incident.id))
        root = next(one for one in whole.state.incidents if one.id == (into or whole.incident.id))
        said = Command(verb=Verb.MERGE, subject=named.id, by=by, at=at(minute), to=root.id)
        target, now = Whole(root.id, root.target), at(minute)
        report = announce(self.state, named.id, target, now)
        whole._take(join(whole.state, target, named, report, said, now=now, policy=whole.policy), now, now)
        self._take(absorb(self.state, said, target, report and report.observed_at), now, now)
        return self

    def sweep(self, *minutes: float) -> "Played":
        for minute in minutes:
            self._take(expire(self.state, at(minute), policy=self.policy), at(minute), at(minute))
        return self

    def _take(self, decision: Decision, instant: datetime, now: datetime) -> None:
        self.decisions.append(decision)
        within = self.policy.timing.reopen_within
        settled, owned = settle_owners(decision.state, at=min(instant, now), reopen_within=within)
        plan = plan_notifications(settled, at=instant, now=now, policy=self.policy, silences=self.silences)
        told = [
            one for notification in plan.notifications for one in compose(plan.state, notification, url=self.policy.url)
        ]
        self.notifications += plan.notifications
        self.messages += told
        self.deferred = plan.deferred
        state, requests = request_actions(
            plan.state,
            self.policy.playbooks,
            now=now,
            is_muted=lambda one: (
                incident_mute(plan.state, one, now, self.policy.maintenance, self.silences) is not None
            ),
        )
        self.requests += requests
        state, reports = report_parts(state, now=now, resolve_after=self.policy.timing.resolve_after)
        self.reported += [finding for _, finding in reports]
        self.group, gone = apply_decision(
            self.group,
            state,
            changes=(*decision.changes, *owned, *plan.changes),
            messages=told,
            requests=requests,
            reports=reports,
            deferred=plan.deferred,
            now=now,
            reopen_within=self.policy.timing.reopen_within,
        )
        self.gone += gone
        done = [one for one in self.group.pending if self.delivers or (self.copies and one.queue == "copy")]
        self.group = remove_effects(self.group, {one.key for one in done})
