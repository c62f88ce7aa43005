"""What the page shows of models and probes, from the store and the warehouse."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.settings import Probe, Settings
from functions.adapters.ports import Data, Store, Warehouse
from functions.api.kept import Kept

_SQL = {path.stem: path.read_text() for path in Path(__file__).parent.glob("*.sql")}
_FRESH_SECONDS = 10.0
_RECENT = timedelta(days=35)
LATE = timedelta(minutes=5)
"""How much later than it is due a check of a probe may be: as long as HealthCheckSilent waits."""
OLD = timedelta(hours=1)
"""How old the newest window of a model may be: as ModelDriftStale has it."""


@dataclass(slots=True)
class Views:
    """Answers for the page; what the warehouse said is kept for some seconds, so that many viewers cost one query."""

    settings: Settings
    store: Store
    warehouse: Warehouse
    _kept: Kept = field(default_factory=Kept)

    def models(self) -> list[Data]:
        """Every model of the settings with its newest scored window and its accuracy by day."""
        names = [model.name for model in self.settings.models]
        return self._kept(("models",), lambda: self._models(names), seconds=_FRESH_SECONDS)

    def drift(self, name: str, days: int) -> Data:
        """One model's tests by feature and day, over the last `days`; `LookupError` when there is no such model."""
        if name not in {model.name for model in self.settings.models}:
            raise LookupError(f"model: no model is called {name!r}")
        return self._kept(("drift", name, days), lambda: self._drift(name, days), seconds=_FRESH_SECONDS)

    def probes(self) -> list[Data]:
        """Every probe of the settings with its newest result, if it has one, and whether the next one should have come."""
        seen = {document.key: document.data for document in self.store.find("probes")}
        now = datetime.now(UTC)
        return [_probe(probe, seen.get(probe.name, {}), now) for probe in self.settings.probes]

    def _models(self, names: Sequence[str]) -> list[Data]:
        since = datetime.now(UTC) - _RECENT
        rows = _group(self.warehouse.query(_SQL["latest_scores"], since=since, models=list(names)), "model")
        performance = _group(self.warehouse.query(_SQL["performance_by_day"], since=since, models=list(names)), "model")
        return [
            {"name": model.name, "owner": model.owner}
            | _latest(rows[model.name])
            | {"accuracy": _accuracy(performance[model.name], model.accuracy_floor)}
            for model in self.settings.models
        ]

    def _drift(self, name: str, days: int) -> Data:
        since = datetime.now(UTC) - timedelta(days=days)
        rows = self.warehouse.query(_SQL["drift_by_day"], since=since, model=name)
        return {"model": name} | by_day(rows)


def _probe(probe: Probe, data: Data, now: datetime) -> Data:
    told = {"name": probe.name, "kind": probe.kind, **data}
    checked = data.get("checked_at")
    return told | ({} if checked is None else {"overdue": now - checked > probe.every + LATE})


def by_day(rows: Sequence[Data]) -> Data:
    """Rows of features, tests and days as one line a feature: a value a day, or None where it was not scored."""
    days = sorted({row["day"] for row in rows})
    place = {day: index for index, day in enumerate(days)}
    features: dict[str, Data] = {}
    for row in rows:
        feature = features.setdefault(
            row["feature"],
            {"name": row["feature"], "tests": defaultdict(lambda: [None] * len(days)), "drifted": [None] * len(days)},
        )
        if row["test"]:
            feature["tests"][row["test"]][place[row["day"]]] = row["value"]
        feature["drifted"][place[row["day"]]] = row["drifted"]
    return {"days": days, "features": list(features.values())}


def _group(rows: Sequence[Data], key: str) -> dict[str, list[Data]]:
    groups: dict[str, list[Data]] = defaultdict(list)
    for row in rows:
        groups[row[key]].append(row)
    return groups


def _latest(rows: Sequence[Data]) -> Data:
    if not rows:
        return {"window_end": None, "drifted": [], "features": []}
    first = rows[0]
    features: dict[str, Data] = {}
    for row in rows:
        if row["feature"]:
            feature = features.setdefault(
                row["feature"],
                {"name": row["feature"], "drifted": row["drifted"], "reason": row["reason"], "tests": {}},
            )
            feature["tests"][row["test"]] = {"value": row["value"], "p_value": row["p_value"]}
    drifted = [name for name, feature in features.items() if feature["drifted"]]
    strongest = max(features.values(), key=_psi, default=None)
    return {
        "overdue": datetime.now(UTC) - first["window_end"] > OLD,
        **{name: first[name] for name in ("version", "window_start", "window_end", "n_reference", "n_current")},
        "reason": None if features else first["reason"],
        "drifted": drifted,
        "strongest": strongest and strongest["name"],
        "features": list(features.values()),
    }


def _psi(feature: Data) -> tuple[bool, float]:
    psi: float | None = feature["tests"].get("psi", {}).get("value")
    return feature["drifted"], psi if psi is not None else -1.0


def _accuracy(rows: Sequence[Data], floor: float | None) -> Data | None:
    known = [row for row in rows if row["value"] is not None]
    if not known:
        return None
    return {
        "value": known[-1]["value"],
        "n_labels": known[-1]["n_labels"],
        "floor": floor,
        "by_day": [{"day": row["day"], "value": row["value"]} for row in known],
    }
