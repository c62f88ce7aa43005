"""What a tick means for one model: a look at its experiment, the incidents since the step, and what follows."""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import Severity
from core.experiments import Decision, decide
from core.promotion import (
    Entrant,
    PromotionStage,
    PromotionState,
    Transition,
    begin,
    decided,
    holders,
    overtaken,
    scoring,
    watched,
)
from core.promotion.state import COMPARED
from core.settings import Model, Promotion
from core.versions import AliasName
from functions.adapters.ports import Metrics, Store, Warehouse
from functions.promotion import looks
from functions.promotion.experiment import Experiment
from functions.promotion.scoring import Scorer
from functions.promotion.traffic import Traffic
from functions.promotion.versions import KnownVersions
from functions.services.actions import INCIDENTS
from functions.services.promotions import Record

_GRAVE = (Severity.ERROR, Severity.CRITICAL)
"""The severities of incidents for which a challenger with traffic is rolled back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """Follows challengers.

    Attributes:
        warehouse: has the data of experiments, and takes their looks.
        store: has the incidents.
        metrics: counts decisions.
        scorer: has challengers score what they are compared on.
        traffic: knows whether an endpoint can take the next step.
        time_zone: of the days of the business.
    """

    warehouse: Warehouse
    store: Store
    metrics: Metrics
    scorer: Scorer
    traffic: Traffic
    time_zone: str

    def next_possible(
        self, model: Model, record: Record, known: KnownVersions, at: datetime
    ) -> tuple[Transition | None, str]:
        """What follows at a tick as `next` says; where the endpoint cannot take it, the state stays, and the text says why.

        What was waited for before still is, until something else is decided. Raises as `next` does, and where the endpoint does not
        answer: what is not known to be possible is not done.
        """
        state = record.state
        transition = self.next(model, state, known, at)
        if transition is None or (not transition.changes and state and transition.state.looked_at == state.looked_at):
            return transition, record.waits
        move = transition.move
        waits = self.traffic.hindrance(model, move) if move and move.forward else ""
        if not waits:
            return transition, ""
        if known.entrant and state and state.is_open and transition.state.challenger != state.challenger:
            return self.next_possible(model, record, replace(known, entrant=""), at)[0], waits
        return _waiting(state, transition), waits

    def next(self, model: Model, state: PromotionState | None, known: KnownVersions, at: datetime) -> Transition | None:
        """What follows at a tick, or None where nothing does.

        Raises:
            QueryError: the warehouse refuses.
            UnavailableError: the warehouse or the store does not answer.
        """
        policy = model.promotion
        if policy is None or (state and at <= state.changed_at):
            return None
        if state and state.is_open and known.champion != holders(state)[AliasName.CHAMPION].version:
            return overtaken(state, known.champion, at)
        if known.entrant and (state is None or not state.is_open or state.stage in COMPARED):
            champion, unseen = known.champion, known.unseen_from
            entrant = Entrant(model=model.name, champion=champion, version=known.entrant, unseen_from=unseen)
            return begin(state, entrant, policy, at)
        if state is None or not state.is_open or state.stage is PromotionStage.APPROVAL:
            return None
        if state.stage is PromotionStage.COMPARISON:
            return self._compared(model, policy, state, at)
        decision = self._look(model, policy, state, at) if scoring.due(state, policy, at) else None
        return watched(state, decision, self._incidents(model, state), policy, at)

    def _compared(self, model: Model, policy: Promotion, state: PromotionState, at: datetime) -> Transition | None:
        """What follows from a comparison: a look where one is due, once the challenger has scored what it is compared on."""
        prepared = self.scorer.prepared(model, policy, state, at)
        if prepared.scoring_until is not None:
            return Transition(state=prepared)
        if not scoring.due(state, policy, at):
            return None
        return decided(prepared, self._look(model, policy, prepared, at), policy, at)

    def _look(self, model: Model, policy: Promotion, state: PromotionState, at: datetime) -> Decision:
        """The decision of a look, which is written."""
        experiment = Experiment(self.warehouse, model, policy, self.time_zone)
        snapshot = experiment.snapshot(state, at)
        decision = decide(snapshot, policy)
        row = looks.row(state, policy.mode, at, decision, experiment.dollars(snapshot))
        self.warehouse.append(looks.TABLE, [row])
        self.metrics.count("aia_challenger_decisions_total", model=model.name, decision=decision.action.value)
        return decision

    def _incidents(self, model: Model, state: PromotionState) -> list[str]:
        """The ids of open incidents of the model at error or critical, that began since the step."""
        return sorted(
            document.key
            for document in self.store.find(INCIDENTS, where={"open": True})
            if model.target in document.data["targets"]
            and document.data["severity"] in _GRAVE
            and document.data["opened_at"] >= state.changed_at
        )


def _waiting(state: PromotionState | None, transition: Transition) -> Transition | None:
    """What was looked at is known, though the step is not made."""
    after = transition.state
    if state is None or after.experiment != state.experiment:
        return None
    return Transition(
        state=replace(
            state, looked_at=after.looked_at, scored_until=after.scored_until, scoring_until=after.scoring_until
        )
    )
