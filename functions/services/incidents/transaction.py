"""One decision as a transaction on the document of a group."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.events import IncidentChange
from core.incidents.messages import compose
from core.incidents.model import Decision, GroupState
from core.incidents.notification import plan_notifications
from core.incidents.outbox import Effect, IncidentGroup, apply_decision
from core.incidents.policy import IncidentPolicy
from core.incidents.routing import incident_mute, request_actions
from functions.adapters.ports import Clock, Data
from functions.services.incidents.documents import group_data, load_group
from functions.services.incidents.silences import Silences

Decide = Callable[[GroupState, datetime], Decision]
"""A decision over the state of a group, now; pure, as it is called again after a conflict."""


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One decision as a transaction on the document of a group; called again after a conflict.

    Attributes:
        name: of the group.
        decide: the decision.
        at: the instant of the event decided on; None where only time has passed.
        policy: the incident policy.
        clock: now.
        silences: those that people made.
        group: as saved; where nothing was to be saved, as found.
        decision: the decision.
        changes: of the decision and its notifications, to be published.
        dropped: effects that were dropped, and are never performed.
    """

    name: str
    decide: Decide
    at: datetime | None
    policy: IncidentPolicy
    clock: Clock
    silences: Silences
    group: IncidentGroup = field(init=False)
    decision: Decision = field(init=False)
    changes: tuple[IncidentChange, ...] = ()
    dropped: tuple[Effect, ...] = ()

    def __call__(self, data: Data | None) -> Data | None:
        """Decide; the next document, or None where nothing is to be saved."""
        policy, now = self.policy, self.clock()
        self.group, self.changes, self.dropped = load_group(self.name, data), (), ()
        self.decision = self.decide(self.group.state, now)
        if self.at is not None and self.decision.state == self.group.state:
            return None
        silences = self.silences()
        plan = plan_notifications(self.decision.state, at=self.at or now, now=now, policy=policy, silences=silences)
        self.changes = (*self.decision.changes, *plan.changes)
        state, requests = request_actions(
            plan.state,
            policy.playbooks,
            now=now,
            is_muted=lambda one: incident_mute(one, now, policy.maintenance, silences) is not None,
        )
        if state == self.group.state and plan.deferred == self.group.deferred:
            return None
        messages = [
            message
            for notification in plan.notifications
            for message in compose(state, notification, url=policy.url, runbooks=policy.runbooks)
        ]
        self.group, self.dropped = apply_decision(
            self.group,
            state,
            changes=self.changes,
            messages=messages,
            requests=requests,
            deferred=plan.deferred,
            now=now,
            reopen_within=policy.timing.reopen_within,
        )
        return group_data(self.group)
