"""The replay: the events of a time, decided on anew by the functions that the incident service calls.

Time comes from the records: an event is decided on when it was, and groups are swept when sweeps took place. Messages are taken for
delivered at once, and actions for answered as they were, where they are requested again.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.events import ActionDecision, ActionRequest, Command, DecisionKind, Delivered, Finding, Verb
from core.incidents.commands import OWNING, apply_command
from core.incidents.due import due_at
from core.incidents.effects import DecisionEffects, decision_effects, refusal_effects
from core.incidents.expiry import expire
from core.incidents.fold import fold
from core.incidents.grouping import grouped
from core.incidents.measured import KnownOrders
from core.incidents.merging import Whole, absorb, announce, join, why_not
from core.incidents.messages import Message
from core.incidents.model import Decision, GroupState, Incident, IncidentReason, State
from core.incidents.outbox import IncidentGroup
from core.incidents.policy import PART_KIND, IncidentPolicy
from core.incidents.response import record_decision
from core.incidents.routing import Silence
from core.incidents.silences import kept_silences, silenced
from core.replay.inputs import Input, in_order

_SILENCES = frozenset({Verb.SILENCE, Verb.UNSILENCE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What was decided in a replay.

    Attributes:
        messages: with the instants at which they were decided, in order.
        requests: for actions, in order.
        incidents: the newest state of each incident, by id.
        findings: the number of findings.
        skipped: events about incidents or actions that the replay does not have.
    """

    messages: Sequence[tuple[datetime, Message]]
    requests: Sequence[ActionRequest]
    incidents: dict[str, Incident]
    findings: int
    skipped: int


def replay(inputs: Iterable[Input], policy: IncidentPolicy) -> Replayed:
    """Decide on events anew.

    Args:
        inputs: each once, in any order.
        policy: of the settings to try.
    """
    ordered = in_order(inputs)
    engine = _Engine(policy=policy, targets=_targets(ordered), swept=_swept(ordered))
    for one in ordered:
        engine.take(one)
    return Replayed(
        messages=engine.messages,
        requests=engine.requests,
        incidents=engine.incidents,
        findings=engine.findings,
        skipped=engine.skipped,
    )


def _targets(inputs: Iterable[Input]) -> dict[str, str]:
    """The root target of each incident that people were notified of, to find it again under another id."""
    told = (one.event for one in inputs if isinstance(one.event, Delivered) and one.event.channel)
    return {event.incident_id: event.target for event in told}


def _swept(inputs: Iterable[Input]) -> dict[str, set[str]]:
    """By sweep, the groups that it decided over at an instant of their own."""
    swept: dict[str, set[str]] = {}
    for one in inputs:
        if one.kind is DecisionKind.SWEEP and one.group:
            swept.setdefault(one.key, set()).add(one.group)
    return swept


@dataclass(slots=True, kw_only=True)
class _Engine:
    """The state of a replay.

    Attributes:
        policy: the policy.
        targets: the root target of each incident that people were notified of.
        swept: by sweep, the groups with records of their own.
        groups: by name.
        due: when groups are due, the earliest first; entries that are out of date are skipped.
    """

    policy: IncidentPolicy
    targets: dict[str, str]
    swept: dict[str, set[str]]
    groups: dict[str, IncidentGroup] = field(default_factory=dict)
    due: list[tuple[datetime, str]] = field(default_factory=list)
    silences: tuple[Silence, ...] = ()
    messages: list[tuple[datetime, Message]] = field(default_factory=list)
    requests: list[ActionRequest] = field(default_factory=list)
    asked: set[tuple[str, str, str]] = field(default_factory=set)
    incidents: dict[str, Incident] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    findings: int = 0
    skipped: int = 0

    def take(self, one: Input) -> None:
        """Decide on one input, knowing what was measured then; of what it was not about, what was measured last."""
        event, now = one.event, one.decided_at
        self.policy = replace(self.policy, known=self.policy.known.with_newer(one.known))
        match event:
            case Finding():
                self._fold(event, one)
            case Command() if event.verb in _SILENCES:
                self.silences = kept_silences(silenced(self.silences, event, now), now)
            case Command():
                self._command(event, one)
            case ActionDecision():
                self._action(event, one)
            case Delivered():
                self._refusal(event, one)
            case None if one.starts_sweep:
                self._sweep(one)
            case None:
                self._expire(one.group, now)

    def _fold(self, found: Finding, one: Input) -> None:
        if found.kind.startswith(PART_KIND):
            return  # what parts report is decided anew
        self.findings += 1
        finding = grouped(found, self.policy.people.routes)
        name = self.policy.graph.group(finding.target)
        decision = fold(self._group(name).state, finding, now=one.published_at, policy=self.policy)
        self._decide(name, decision, at=min(finding.observed_at, one.published_at), now=one.decided_at)

    def _command(self, command: Command, one: Input) -> None:
        incident = self._find(command.subject)
        if incident is None:
            self.skipped += 1
            return
        if command.verb is Verb.MERGE:
            self._merge(incident, command, one)
            return
        if command.verb in OWNING:
            incident = self._whole(incident)
        name = self.homes[incident.id]
        # The id of the command stays, by which a repeated one is recognised.
        state = self._group(name).state
        decision = apply_command(state, replace(command, subject=incident.id))
        self._decide(name, decision, at=min(command.at, one.published_at), now=one.decided_at)

    def _merge(self, part: Incident, command: Command, one: Input) -> None:
        """Merge an incident into another one, as the service does; one that it would refuse is skipped."""
        named, now = self._find(command.to), one.decided_at
        whole = self._whole(named) if named else None
        told = replace(command, subject=part.id)
        if whole is None or whole.state is State.RESOLVED or whole.id == part.id or why_not(part, told):
            self.skipped += why_not(part, told) is not IncidentReason.DUPLICATE
            return
        target, at = Whole(whole.id, whole.target), min(command.at, one.published_at)
        home, name = self.homes[part.id], self.homes[whole.id]
        report = announce(self._group(home).state, part.id, target, now)
        joined = join(self._group(name).state, target, part, report, told, now=now, policy=self.policy)
        self._decide(name, joined, at=at, now=now)
        announced_at = report.observed_at if report else None
        self._decide(home, absorb(self._group(home).state, told, target, announced_at), at=at, now=now)

    def _whole(self, incident: Incident) -> Incident:
        """The incident that this one is a part of, in whatever group."""
        seen = {incident.id}
        while (into := incident.merged_into) in self.incidents and into not in seen:
            seen.add(into)
            incident = self.incidents[into]
        return incident

    def _action(self, answer: ActionDecision, one: Input) -> None:
        incident = self._find(answer.incident_id)
        if incident is None or (incident.id, answer.action, answer.target) not in self.asked:
            self.skipped += 1
            return
        name = self.homes[incident.id]
        decision = record_decision(self._group(name).state, replace(answer, incident_id=incident.id))
        self._decide(name, decision, at=min(answer.at, one.published_at), now=one.decided_at)

    def _refusal(self, delivered: Delivered, one: Input) -> None:
        """A channel that refused a message for good; it is assumed to refuse any message of that time."""
        incident = self._find(delivered.incident_id) if delivered.outcome == "refused" else None
        if incident is None or delivered.channel not in incident.notified.channels:
            return
        group, now = self._group(self.homes[incident.id]), one.decided_at
        effects = refusal_effects(
            group,
            incident.id,
            channel=delivered.channel,
            detail=delivered.detail,
            now=now,
            policy=replace(self.policy, known=KnownOrders()),  # a delivery is no decision about revenue
            silences=lambda: self.silences,
        )
        self._tell(effects, now)
        self._keep(effects.group, now)

    def _sweep(self, start: Input) -> None:
        """Decide over the groups that are due, apart from those that the sweep has records of."""
        now, recorded = start.decided_at, self.swept.get(start.key, set[str]())
        names: set[str] = set()
        while self.due and self.due[0][0] <= now:
            at, name = heapq.heappop(self.due)
            if self.groups[name].due_at == at:
                names.add(name)
        for name in sorted(names):
            if name in recorded:
                heapq.heappush(self.due, (self.groups[name].due_at or now, name))
            else:
                self._expire(name, now)

    def _expire(self, name: str, now: datetime) -> None:
        if name in self.groups:
            decision = expire(self.groups[name].state, now, policy=self.policy)
            self._decide(name, decision, at=None, now=now)

    def _group(self, name: str) -> IncidentGroup:
        return self.groups.get(name) or IncidentGroup(state=GroupState(name=name))

    def _decide(self, name: str, decision: Decision, *, at: datetime | None, now: datetime) -> None:
        group = self._group(name)
        effects = decision_effects(group, decision, at=at, now=now, policy=self.policy, silences=lambda: self.silences)
        if effects is None:
            if at is None or (group.due_at is not None and now >= group.due_at):
                self._keep(group, now)
            return
        self._tell(effects, now)
        self._keep(effects.group, now)
        for report in effects.reports:
            whole = self.policy.graph.group(report.target)
            told = fold(self._group(whole).state, report, now=max(now, report.observed_at), policy=self.policy)
            self._decide(whole, told, at=min(report.observed_at, now), now=now)

    def _tell(self, effects: DecisionEffects, now: datetime) -> None:
        self.messages += [(now, message) for message in effects.messages]
        self.requests += effects.requests
        self.asked |= {(one.incident_id, one.action, one.target) for one in effects.requests}

    def _keep(self, group: IncidentGroup, now: datetime) -> None:
        """Keep a group whose effects are all performed."""
        name = group.state.name
        done = replace(group, pending=())
        due = due_at(done, now, self.policy)
        before = self.groups.get(name)
        self.groups[name] = replace(done, due_at=due)
        if due is not None:
            heapq.heappush(self.due, (due, name))
        if before is None or before.state.incidents is not done.state.incidents:
            for incident in done.state.incidents:
                self.incidents[incident.id] = incident
                self.homes[incident.id] = name

    def _find(self, incident_id: str) -> Incident | None:
        """The incident, or else the one that is open and has its root target: with other settings it may have another id."""
        if incident_id in self.homes:
            return self.incidents[incident_id]
        target = self.targets.get(incident_id)
        group = self.groups.get(self.policy.graph.group(target)) if target else None
        live = [one for one in group.state.incidents if one.state is not State.RESOLVED] if group else []
        return next((one for one in reversed(live) if target in (one.target, *one.targets)), None)
