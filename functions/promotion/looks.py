"""The rows of looks, which the API and reports read."""

import json
from dataclasses import asdict
from datetime import datetime

from core.business.interval import Interval
from core.events import stamp
from core.experiments import Decision, Evidence
from core.promotion import PromotionState
from core.settings import Mode
from functions.adapters.ports import Data

TABLE = "ops.experiment_looks"


def row(state: PromotionState, mode: Mode, at: datetime, decision: Decision, dollars: Interval | None) -> Data:
    """The row of a look; that of the same look has the same id.

    Args:
        state: before the look.
        mode: of the experiment.
        at: instant up to which its data counts.
        decision: of the look.
        dollars: a month with the challenger in place of the champion, or None where it is not known.
    """
    found = {
        "measure": _evidence(decision.measure),
        "guard_rails": {outcome.value: _evidence(one) for outcome, one in decision.guard_rails.items()},
        "blocking": [outcome.value for outcome in decision.blocking],
        "sample_ratio_p": decision.sample_ratio_p,
        "dollars_a_month": asdict(dollars) if dollars else None,
    }
    return {
        "id": f"{state.experiment}:{stamp(at)}",
        "experiment": state.experiment,
        "model": state.model,
        "champion": state.champion,
        "challenger": state.challenger,
        "mode": mode.value,
        "look_at": at,
        "stage": state.stage.value,
        "share": state.share,
        "n": decision.n,
        "evidence": json.dumps(found, sort_keys=True),
        "decision": decision.action.value,
        "reason": decision.reason.value,
    }


def _evidence(one: Evidence) -> Data:
    return {
        "outcome": one.outcome.value,
        "n": one.n,
        "advantage": one.advantage,
        "low": one.low,
        "high": one.high,
        "p_above": one.p_above,
        "p_below": one.p_below,
    }
