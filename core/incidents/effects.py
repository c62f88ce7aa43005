"""What a decision entails: who is notified, which actions are requested, and the group with the effects to save."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.events import ActionRequest, Finding, IncidentChange
from core.incidents.lifecycle import record_refusal
from core.incidents.merging import Report, report_parts
from core.incidents.messages import Message, compose_all
from core.incidents.model import Decision
from core.incidents.notification import NotificationPlan, plan_notifications
from core.incidents.outbox import Effect, IncidentGroup, apply_decision
from core.incidents.policy import IncidentPolicy
from core.incidents.refusal import hand_on
from core.incidents.response import request_actions
from core.incidents.routing import Silence, incident_mute
from core.incidents.target_owners import settle_owners


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionEffects:
    """A decision with its effects.

    Attributes:
        group: the next revision of the group, with the effects that are to be performed.
        changes: of the decision and of its notifications, to be published.
        messages: to be sent.
        requests: for actions.
        reports: of merged incidents, to be published.
        dropped: effects that are never performed.
    """

    group: IncidentGroup
    changes: tuple[IncidentChange, ...]
    messages: tuple[Message, ...]
    requests: tuple[ActionRequest, ...]
    reports: tuple[Finding, ...]
    dropped: tuple[Effect, ...]


def decision_effects(
    group: IncidentGroup,
    decision: Decision,
    *,
    at: datetime | None,
    now: datetime,
    policy: IncidentPolicy,
    silences: Callable[[], Sequence[Silence]],
    published_at: datetime | None = None,
) -> DecisionEffects | None:
    """The effects of a decision over a group.

    Args:
        group: before.
        decision: over its state.
        at: the instant of the event decided on; None where only time has passed.
        now: the present.
        policy: the policy.
        silences: gives those that people made; asked only where something changed or time has passed.
        published_at: when the finding decided on was published, to measure how long its notifications take.

    Returns:
        What is to be saved and performed, or None where nothing is.
    """
    if at is not None and decision.state == group.state:
        return None
    made = silences()
    settled, owned = settle_owners(decision.state, at=min(at or now, now), reopen_within=policy.timing.reopen_within)
    plan = plan_notifications(settled, at=at or now, now=now, policy=policy, silences=made)
    state, requests = request_actions(
        plan.state,
        policy.playbooks,
        now=now,
        is_muted=lambda incident: incident_mute(plan.state, incident, now, policy.maintenance, made) is not None,
    )
    state, reports = report_parts(state, now=now, resolve_after=policy.timing.resolve_after)
    if state == group.state and plan.deferred == group.deferred:
        return None
    plan = replace(plan, state=state, changes=(*decision.changes, *owned, *plan.changes))
    return _applied(group, plan, requests, reports, now=now, policy=policy, published_at=published_at)


def refusal_effects(
    group: IncidentGroup,
    incident_id: str,
    *,
    channel: str,
    detail: str,
    now: datetime,
    policy: IncidentPolicy,
    silences: Callable[[], Sequence[Silence]],
) -> DecisionEffects:
    """The effects of a message that a channel refused for good: it is recorded, and handed on to the next tier, if there is one.

    Args:
        group: before.
        incident_id: the incident that the message was about.
        channel: the channel's name.
        detail: the channel's answer.
        now: the present.
        policy: the policy.
        silences: gives those that people made.
    """
    decision = record_refusal(group.state, incident_id, channel=channel, detail=detail, at=now)
    state = hand_on(decision.state, incident_id, channel, people=policy.people, now=now)
    plan = NotificationPlan(state=state, changes=(), notifications=(), deferred=group.deferred)
    if state is not decision.state:
        plan = plan_notifications(state, at=now, now=now, policy=policy, silences=silences())
    return _applied(group, replace(plan, changes=(*decision.changes, *plan.changes)), (), (), now=now, policy=policy)


def _applied(
    group: IncidentGroup,
    plan: NotificationPlan,
    requests: Sequence[ActionRequest],
    reports: Sequence[Report],
    *,
    now: datetime,
    policy: IncidentPolicy,
    published_at: datetime | None = None,
) -> DecisionEffects:
    messages = tuple(
        compose_all(
            plan.state, plan.notifications, url=policy.url, runbooks=policy.runbooks, losses=policy.known.losses
        )
    )
    after, dropped = apply_decision(
        group,
        plan.state,
        changes=plan.changes,
        messages=messages,
        requests=requests,
        reports=reports,
        deferred=plan.deferred,
        now=now,
        published_at=published_at,
        reopen_within=policy.timing.reopen_within,
    )
    return DecisionEffects(
        group=after,
        changes=plan.changes,
        messages=messages,
        requests=tuple(requests),
        reports=tuple(finding for _, finding in reports),
        dropped=dropped,
    )
