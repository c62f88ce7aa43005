"""Models and probes as the page shows them, from the store and the warehouse."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec

from core.settings import Model, Probe, Settings
from core.statistics import STATISTICS
from functions.adapters.ports import Data, Store, Warehouse
from functions.api.cache import Cache
from functions.api.freshness import LATE, Start, following
from functions.api.parameters import Range
from functions.api.performance import accuracy, gaps, labels, measures
from functions.services.models import SETTINGS, TABLE, Models

_SQL = {path.stem: path.read_text() for path in Path(__file__).parent.glob("*.sql")}
_COMING_SECONDS, _AWAITED_SECONDS, _LONGEST_SECONDS = 5.0, 30.0, 300.0
"""How long results of the warehouse are cached: while the history is loading, while newer windows are due, and at most."""
_RECENT = timedelta(days=35)
_OPEN = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of a range that has none."""
_APPLIED = timedelta(minutes=3)
"""How long after a change of a model of the table its past may be being scored."""
OLD = timedelta(hours=1)
"""How old the newest window of a model may be: as ModelDriftStale has it."""


@dataclass(slots=True)
class Views:
    """Models and probes; results of the warehouse are cached until newer windows are due, so that many viewers cost one query.

    Attributes:
        settings: the probes and schedules.
        monitored: the models, as they are now.
        store: has the probes.
        warehouse: has the scores.
        start: of this instance.
    """

    settings: Settings
    monitored: Models
    store: Store
    warehouse: Warehouse
    start: Start
    _cache: Cache = field(default_factory=Cache)

    def forget(self) -> None:
        """Ask anew, since what was answered has changed."""
        self._cache.forget()

    def models(self) -> list[Data]:
        """Every model with its newest scored window, its performance, and its accuracy by day."""
        known = self.monitored.all()
        changed = {name: entry.changed_at for name, entry in self.monitored.entries().items()}
        # With the changes in the key, a model that was just applied is shown at once.
        key = ("models", tuple(known), tuple(changed.items()))
        return self._cache(key, lambda: self._models(known, changed), seconds=self._lasts)

    def one(self, name: str) -> Data:
        """One of them; `LookupError` when there is no such model."""
        found = next((model for model in self.models() if model["name"] == name), None)
        if found is None:
            raise LookupError(f"model: no model is called {name[:80]!r}")
        return found

    def performance(self, name: str, wanted: Range) -> list[Data]:
        """The rows of a model's performance by day, in a range."""
        since, until = self._bounds(name, wanted)

        def read() -> list[Data]:
            return self.warehouse.query(_SQL["performance_by_day"], since=since, until=until, models=[name])

        return self._cache(("performance", name, wanted), read, seconds=self._lasts(self.models()))

    def drift(self, name: str, wanted: Range) -> Data:
        """One model's tests by feature and day, in a range; `LookupError` when there is no such model."""
        if name not in self.monitored.all():
            raise LookupError(f"model: no model is called {name[:80]!r}")
        since, until = self._bounds(name, wanted)

        def read() -> Data:
            rows = self.warehouse.query(_SQL["drift_by_day"], since=since, until=until, model=name)
            return {"model": name} | self._with_thresholds(name, by_day(rows))

        return self._cache(("drift", name, wanted), read, seconds=self._lasts(self.models()))

    def _bounds(self, name: str, wanted: Range) -> tuple[datetime, datetime]:
        """The bounds of a range; one without an end has also the window that ends with the log."""
        since, _ = wanted.ending(self.end(name))
        return since, wanted.until or _OPEN

    def end(self, name: str) -> datetime:
        """Up to when a model is shown: now, or the end of its log."""
        return _end(self.monitored.all()[name], self.start.clock())

    def probes(self) -> list[Data]:
        """Every probe of the settings with its newest result, if any, and whether the next one is overdue."""
        seen = {document.key: document.data for document in self.store.find("probes")}
        return [self._probe(probe, seen.get(probe.name, {})) for probe in self.settings.probes]

    def _models(self, known: Mapping[str, Model], changed: Mapping[str, datetime]) -> list[Data]:
        rows = self._recent("latest_scores", known)
        performance = self._recent("performance_by_day", known, until=_OPEN)
        groups = self._recent("latest_groups", known)
        return [
            {
                "name": model.name,
                "owner": model.owner,
                "source": self._source(model),
                "task": model.task,
                "minimum_rows": model.minimum_rows,
                "statistics": described(model.statistics, model.drift.shift),
            }
            | self._latest(model, rows[model.name], changed.get(model.name))
            | {"accuracy": accuracy(performance[model.name], model.accuracy_floor)}
            | {"performance": measures(performance[model.name], model), "gaps": gaps(groups[model.name], model)}
            | {"labels": labels(performance[model.name], model)}
            for model in known.values()
        ]

    def _source(self, model: Model) -> str:
        return SETTINGS if model in self.settings.models else TABLE

    def _with_thresholds(self, name: str, found: Data) -> Data:
        """The days of each feature with the change from which it is drift; None where that is not kept."""
        thresholds = self._thresholds(name) if found["features"] else {}
        limits = {one: {"threshold": shift, "limits": _limits(shift)} for one, shift in thresholds.items()}
        unknown: Data = {"threshold": None, "limits": {}}
        return found | {"features": [one | limits.get(one["name"], unknown) for one in found["features"]]}

    def _thresholds(self, name: str) -> dict[str, float]:
        """From how many sd on a change of each feature is drift, in the newest window; empty where that is not kept."""
        statement, end = _SQL["window_distributions"], self.one(name)["window_end"]
        row = next(iter(self.warehouse.query(statement, model=name, window_end=end)), None)
        features = msgspec.json.decode(row["features"]) if row else []
        return {one["name"]: one["threshold"] for one in features if one.get("threshold")}

    def _probe(self, probe: Probe, data: Data) -> Data:
        schedule, longest = self.settings.jobs.get("health_check"), probe.every + LATE
        told = {"name": probe.name, "kind": probe.kind, **data}
        return told | self.start.standing(data.get("checked_at"), schedule, longest=longest)

    def _recent(self, statement: str, known: Mapping[str, Model], **more: datetime) -> dict[str, list[Data]]:
        """Rows of models, of those whose log has ended as of its end."""
        ends = _by_end(known.values(), self.start.clock())
        read = (
            self.warehouse.query(_SQL[statement], since=end - _RECENT, models=names, **more)
            for end, names in ends.items()
        )
        return _group([row for rows in read for row in rows], "model")

    def _latest(self, model: Model, rows: Sequence[Data], changed: datetime | None) -> Data:
        newest = latest(rows) | {"until": model.until}
        if newest["window_end"] is not None and _has_ended(model, self.start.clock()):
            return newest | {"overdue": False, "awaited": False, "due_at": None}
        return newest | self.start.standing(newest["window_end"], self._schedule, longest=OLD, since=changed)

    @property
    def _schedule(self) -> str | None:
        return self.settings.jobs.get("drift_score")

    def _lasts(self, models: Sequence[Data]) -> float:
        """Seconds for which the models are cached."""
        now = self.start.clock()
        applied = (entry.changed_at for entry in self.monitored.entries().values())
        if self.start.loading() or any(now - at < _APPLIED for at in applied):
            return _COMING_SECONDS
        ends = [model["window_end"] for model in models]
        return lasts(ends, self._schedule, now=now)


def _has_ended(model: Model, now: datetime) -> bool:
    return model.end is not None and model.end <= now


def _end(model: Model, now: datetime) -> datetime:
    return min(now, model.end or now)


def _by_end(models: Iterable[Model], now: datetime) -> dict[datetime, list[str]]:
    """The names of models by what they are shown up to: now, or the end of their log."""
    names: dict[datetime, list[str]] = defaultdict(list)
    for model in models:
        names[_end(model, now)].append(model.name)
    return names


def described(names: Sequence[str], shift: float) -> list[Data]:
    """The statistics of a model, in the order of the registry, as people read of them.

    Their `threshold` is the value of the smallest change that matters, which also has to be certain; None where there is none.
    """
    limits = _limits(shift)
    return [
        {
            "name": statistic.name,
            "title": statistic.title,
            "blind_to": statistic.blind_to,
            "full": statistic.full,
            "threshold": limits.get(statistic.name),
        }
        for statistic in STATISTICS.values()
        if statistic.name in names
    ]


@lru_cache(maxsize=1000)
def _limits(shift: float) -> dict[str, float]:
    """The value of each statistic at a shift in sd; none for a shift that is beyond all that are told apart."""
    from core.drift.normal import LARGEST  # noqa: PLC0415 - numpy is for the first list of models, not for the start
    from core.drift.verdict import Thresholds  # noqa: PLC0415 - the same

    return Thresholds(shift=shift).meaning if 0 < shift <= LARGEST else {}


def lasts(ends: Sequence[datetime | None], schedule: str | None, *, now: datetime) -> float:
    """Seconds until newer windows are due than the newest ones, which end at `ends`; while they are, a short time.

    >>> ends = [datetime(2026, 1, 2, 12, 15), datetime(2026, 1, 2, 12, 15)]
    >>> lasts(ends, "*/15 * * * *", now=datetime(2026, 1, 2, 12, 28)), lasts(ends, "0 * * * *", now=datetime(2026, 1, 2, 12, 28))
    (120.0, 300.0)
    """
    known = [end for end in ends if end is not None]
    if not schedule or not known or len(known) < len(ends):
        return _AWAITED_SECONDS
    due = following(schedule, min(known))
    left = (due - now).total_seconds() if due else _LONGEST_SECONDS
    return min(left, _LONGEST_SECONDS) if left > 0 else _AWAITED_SECONDS


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


def latest(rows: Sequence[Data]) -> Data:
    """The newest window of a model from its rows, one a feature and test."""
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
        **{name: first[name] for name in ("version", "window_start", "window_end", "n_reference", "n_current")},
        "reason": None if features else first["reason"],
        "drifted": drifted,
        "strongest": strongest and strongest["name"],
        "features": list(features.values()),
    }


def _psi(feature: Data) -> tuple[bool, float]:
    psi: float | None = feature["tests"].get("psi", {}).get("value")
    return feature["drifted"], psi if psi is not None else -1.0
