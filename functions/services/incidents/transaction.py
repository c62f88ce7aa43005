"""One decision as a transaction on the document of a group: what is known is given to the decision, and noted in its record."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from core.events import DecisionKind, IncidentChange, IncidentDecision
from core.incidents.claims import claim_queues
from core.incidents.due import due_at
from core.incidents.effects import decision_effects
from core.incidents.measured import UsualRevenue
from core.incidents.model import Decision, GroupState
from core.incidents.outbox import Effect, IncidentGroup, add_records
from core.incidents.policy import IncidentPolicy, known_of, with_measured
from functions.adapters.ports import Clock, Data, Document
from functions.services.cached import Cached
from functions.services.incidents.attempt import LEASE, everything
from functions.services.incidents.documents import Silences, group_data, load_group
from functions.services.incidents.records import decided, known_text

Decide = Callable[[GroupState, datetime, IncidentPolicy], Decision]
"""A decision over the state of a group, now, by a policy; pure, as it is called again after a conflict."""


@dataclass(slots=True, kw_only=True)
class Transaction:
    """One decision as a transaction on the document of a group; called again after a conflict.

    Attributes:
        name: of the group.
        decide: the decision.
        at: the instant of the event decided on; None where only time has passed.
        by: the attempt that claims the delivery queues; empty where none does.
        policy: the incident policy.
        clock: now.
        silences: those that people made.
        usual: the usual revenue of orders.
        about: the event, for its record; None where it is not recorded.
        group: as saved; where nothing was to be saved, as found.
        document: of the group, after the transaction.
        decision: the decision.
        changes: of the decision and its notifications, to be published.
        dropped: effects that were dropped, and are never performed.
        now: the instant of the decision.
        recorded: whether the record of the event is one of its effects.
    """

    name: str
    decide: Decide
    at: datetime | None
    by: str
    policy: IncidentPolicy
    clock: Clock
    silences: Silences
    usual: Cached[UsualRevenue]
    about: IncidentDecision | None = None
    group: IncidentGroup = field(init=False)
    document: Document | None = None
    decision: Decision = field(init=False)
    changes: tuple[IncidentChange, ...] = ()
    dropped: tuple[Effect, ...] = ()
    now: datetime = field(init=False)
    recorded: bool = False

    def __call__(self, data: Data | None) -> Data | None:
        """Decide; the next document, or None where nothing is to be saved."""
        self.now = self.clock()
        self.group, self.changes, self.dropped = load_group(self.name, data), (), ()
        self._measure()
        self.decision = self.decide(self.group.state, self.now, self.policy)
        self._note_known()
        about, policy, silences = self.about, self.policy, self.silences
        published = about.published_at if about and about.kind is DecisionKind.FINDING else None
        effects = decision_effects(
            self.group,
            self.decision,
            at=self.at,
            now=self.now,
            policy=policy,
            silences=silences,
            published_at=published,
        )
        self.recorded = effects is not None and bool(effects.group.pending)
        if effects is None:
            unchanged = self.at is not None and self.decision.state == self.group.state
            return None if unchanged else self._looked_at(self.now)
        self.changes, self.dropped = effects.changes, effects.dropped
        group = add_records(effects.group, decided(about, effects, self.now))
        if self.by:
            group = claim_queues(group, self.by, everything, now=self.now, lease=LEASE)
        self.group = replace(group, due_at=due_at(group, self.now, self.policy))
        return group_data(self.group)

    def _measure(self) -> None:
        """Let the policy know what is measured, of a finding as of its publication: the same for every delivery."""
        if self.policy.revenue_of:
            is_finding = self.about is not None and self.about.kind is DecisionKind.FINDING
            at = self.about.published_at if self.about and is_finding else self.now
            self.policy = with_measured(self.policy, self.usual(), at)

    def _note_known(self) -> None:
        """Let the record know what was measured, for a replay."""
        if self.about is not None and self.policy.revenue_of:
            states = (self.group.state, self.decision.state)
            targets = (one.target for state in states for one in state.conditions)
            known = known_of(self.policy, targets, {one.id for state in states for one in state.incidents})
            self.about = replace(self.about, known=known_text(known))

    def _looked_at(self, now: datetime) -> Data | None:
        """The document of a group that does not change, if it was due, or is due earlier by the settings; else None."""
        before, due = self.group.due_at, due_at(self.group, now, self.policy)
        if before is None or now < before <= (due or before):
            return None
        self.group = replace(self.group, due_at=due)
        return group_data(self.group)
