"""The loop of retraining from outside: trained, registered, compared, promoted or rejected, with the figures of each step."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.events import Tick
from core.promotion import PromotionStage
from core.retraining.outcome import RunOutcome
from functions.adapters.ports import Bus, Clock, Data, Warehouse
from functions.adapters.training.history import version_in_use
from infra.local import mlflow
from infra.local.outcome import MODEL, Step, step

_ENDED = frozenset(
    {PromotionStage.PROMOTED, PromotionStage.REJECTED, PromotionStage.STOPPED, PromotionStage.ROLLED_BACK}
)
_RESULT = """
SELECT outcome, version, why, n_rows, metrics FROM ops.training_results
WHERE model = @model ORDER BY finished_at DESC LIMIT 1
"""
_VERSION = "SELECT registry FROM ops.model_versions WHERE model = @model AND version = @version LIMIT 1"
_LOOK = """
SELECT decision, reason, n, evidence FROM ops.experiment_looks
WHERE model = @model AND challenger = @version ORDER BY look_at DESC LIMIT 1
"""
_CHANGES = """
SELECT DISTINCT stage, alias, version, share, changed_at, why FROM ops.model_aliases
WHERE model = @model AND LENGTH(COALESCE(stage, '')) > 0 ORDER BY changed_at, alias
"""


@dataclass(frozen=True, slots=True)
class RetrainingLoop:
    """Follows the loop of the replayed model.

    Attributes:
        warehouse: where its rows are.
        bus: takes ticks of `promotion`, which is scheduled every quarter of an hour.
        clock: now.
    """

    warehouse: Warehouse
    bus: Bus
    clock: Clock

    def advance(self) -> bool:
        """Have `promotion` look once there is a version; whether the loop has come to its end."""
        result = self._result()
        if result is None or not result["version"]:
            return result is not None
        if self._stage() in _ENDED:
            return True
        tick = Tick(job="promotion", scheduled_at=self.clock())
        self.bus.publish("ticks", tick, job=tick.job)
        return False

    def steps(self) -> list[Step]:
        """The steps of the loop. That a version is rejected, or none is better, is an end as well as a promotion."""
        checks: list[tuple[str, Callable[[], tuple[str, bool]]]] = [
            ("training", self._training),
            ("version", self._version),
            ("comparison", self._comparison),
            ("promotion", self._promotion),
        ]
        return [step(name, check) for name, check in checks]

    def _training(self) -> tuple[str, bool]:
        result = self._result()
        if result is None:
            return "no training has ended", False
        metrics = json.loads(result["metrics"])
        auc = f"AUC {_shown(metrics['auc'])}"
        if "champion_auc" in metrics:
            auc += f", the champion's {_shown(metrics['champion_auc'])}"
        return f"{result['outcome']}: {result['why']}; {auc}; on {result['n_rows']:,} held-out flights", True

    def _version(self) -> tuple[str, bool]:
        name = self._challenger()
        if not name:
            return self._without_version()
        rows = self.warehouse.query(_VERSION, model=MODEL, version=name)
        if not rows:
            return f"{name} is not registered", False
        registries = (rows[0]["registry"] or "").split(",")
        where = "registered in MLflow" if "mlflow" in registries else "registered in the warehouse"
        return f"{name}, {where}{'' if mlflow.is_installed() else '; MLflow is not installed'}", True

    def _comparison(self) -> tuple[str, bool]:
        name = self._challenger()
        if not name:
            return self._without_version()
        looks = self.warehouse.query(_LOOK, model=MODEL, version=name)
        if not looks:
            return f"{name} is not compared yet", False
        look = looks[0]
        measure = json.loads(look["evidence"])["measure"]
        advantage = _shown({"value": measure["advantage"], "low": measure["low"], "high": measure["high"]})
        said = f"{look['decision']}, {look['reason'].replace('_', ' ')}"
        return f"{look['n']:,} pairs, advantage in accuracy {advantage}: {said}", True

    def _promotion(self) -> tuple[str, bool]:
        if self._result() is not None and not self._challenger():
            return self._without_version()
        changes = self.warehouse.query(_CHANGES, model=MODEL)
        shares = {row["share"]: None for row in changes if row["alias"] == "challenger" and row["share"]}
        champion = version_in_use(self.warehouse, MODEL, self.clock())
        passed = f", steps {', '.join(f'{share:.0f}%' for share in shares)}" if shares else ""
        stage = self._stage()
        return f"{stage or 'not begun'}{passed}; champion now: {champion}", stage in _ENDED

    def _without_version(self) -> tuple[str, bool]:
        """Nothing is registered: by its evidence, or because nothing was trained."""
        result = self._result()
        return ("none: the champion stays", True) if result else ("no training has ended", False)

    def _challenger(self) -> str:
        result = self._result()
        return result["version"] or "" if result and result["outcome"] == RunOutcome.TRAINED else ""

    def _result(self) -> Data | None:
        return next(iter(self.warehouse.query(_RESULT, model=MODEL)), None)

    def _stage(self) -> str:
        changes = self.warehouse.query(_CHANGES, model=MODEL)
        return changes[-1]["stage"] if changes else ""


def _shown(metric: Mapping[str, Any]) -> str:
    """A value with its interval, as in `0.894 (0.880 to 0.907)`."""
    if metric["low"] is None or metric["high"] is None:
        return "not known" if metric["value"] is None else f"{metric['value']:.3f}"
    return f"{metric['value']:.3f} ({metric['low']:.3f} to {metric['high']:.3f})"
