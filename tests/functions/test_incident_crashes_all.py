"""Router, sweep and action runner are killed again and again while people say things: nothing is lost or done twice."""

from collections import Counter
from dataclasses import dataclass
from unittest.mock import MagicMock

import pytest

from core.actions.plan import Plan, Verification
from core.events import ActionRequest
from core.settings.response import ActionName
from functions.adapters.ledger import Ledger
from tests.support.builders.budget import examples
from tests.support.crash.crashes import DESTRUCTIVE, tell
from tests.support.fakes.automation import MemoryAction

STORIES = examples(1000)
MUTANTS = examples(50)


@pytest.mark.timeout(600)  # a thousand stories
def test_killed_anywhere_with_sweeps_commands_and_actions_in_the_mix() -> None:
    counts: Counter[str] = Counter()
    for seed in range(STORIES):
        outcome = tell(seed)
        assert (outcome.lost, outcome.doubled) == ((), ()), f"seed {seed}"
        counts.update(
            kills=outcome.kills,
            repeated=outcome.repeated,
            applied=outcome.applied,
            reapplied=outcome.reapplied,
        )
    assert counts["kills"] > STORIES, "too few kills to show anything"
    assert counts["repeated"] > 0, "no kill between an effect and its confirmation was tried"
    assert counts["reapplied"] > 0, "no kill between an action and its confirmation was tried"
    assert counts["applied"] > STORIES, "too few actions to show anything"


def test_the_actions_of_the_stories_are_those_that_take_something_away() -> None:
    assert set(DESTRUCTIVE) == {
        ActionName.ROLLBACK_MODEL,
        ActionName.FLUSH_CACHE,
        ActionName.REVOKE_ACCESS,
        ActionName.CANCEL_PIPELINE,
        ActionName.SCALE_IN,
    }


@dataclass
class Twice:
    """Applies everything twice."""

    action: MemoryAction

    def plan(self, request: ActionRequest) -> Plan:
        return self.action.plan(request)

    def apply(self, plan: Plan, key: str) -> str:
        self.action.apply(plan, key)
        return self.action.apply(plan, key)

    def verify(self, plan: Plan) -> Verification:
        return self.action.verify(plan)

    def undo(self, plan: Plan) -> str:
        return self.action.undo(plan)


@pytest.mark.parametrize("breaks", [False, True])
def test_an_action_that_is_applied_twice_is_noticed(*, breaks: bool) -> None:
    for seed in range(MUTANTS):
        outcome = tell(seed, breaks=breaks, spoil=Twice)
        assert len(outcome.doubled) == outcome.applied, f"seed {seed}"
        assert breaks or outcome.kills == outcome.faults == 0


def test_a_story_in_which_nothing_breaks_repeats_nothing() -> None:
    outcomes = [tell(seed, breaks=False) for seed in range(MUTANTS)]
    assert {(one.lost, one.doubled, one.reapplied, one.repeated) for one in outcomes} == {((), (), 0, 0)}
    assert sum(one.applied for one in outcomes) > MUTANTS


def test_a_ledger_that_forgets_what_is_done_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Ledger._claim

    def forgetful(ledger: Ledger, key: str, *rest: object) -> object:
        made = claim(ledger, key, *rest)  # type: ignore[arg-type] # handed on as they came
        return made or (MagicMock() if key.endswith(":apply") else None)

    monkeypatch.setattr(Ledger, "_claim", forgetful)
    assert any("applied" in what for seed in range(MUTANTS * 10) for what in tell(seed).doubled)
