"""What running actions needs: the ports, the actions and the guard rails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.actions.guards import GuardVerdict
from core.actions.lifecycle import ActionRun
from core.events import ActionRequest
from core.settings.response import ActionName, Automation
from functions.adapters.actions.registry import Action
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Bus, Clock, Metrics, Store
from functions.services.actions import change_run


class Objections(Protocol):
    """What speaks against a request, whatever its guard rails say."""

    def objection(self, request: ActionRequest, *, begins: bool) -> GuardVerdict | None:
        """Why an action must not be applied now; None where nothing is against it."""
        ...


class Actions(Protocol):
    """The actions there are, by name."""

    def __getitem__(self, name: ActionName) -> Action:
        """The action of that name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What running actions needs.

    Attributes:
        store: has the runs and the guard rails.
        bus: takes the decisions.
        ledger: sees to it that an effect happens once.
        metrics: counts.
        clock: now, for the instants of effects.
        actions: the actions there are, by name.
        automation: the guard rails of the settings.
        requests: what the playbooks requested.
    """

    store: Store
    bus: Bus
    ledger: Ledger
    metrics: Metrics
    clock: Clock
    actions: Actions
    automation: Automation
    requests: Objections

    def change(self, run: ActionRun, step: Callable[[ActionRun], ActionRun]) -> ActionRun:
        """Save a step of the run, unless another instance has moved it to another stage meanwhile."""

        def turn(held: ActionRun | None) -> ActionRun | None:
            return step(held) if held is not None and held.stage is run.stage else None

        return change_run(self.store, self.metrics, run.request.id, turn)
