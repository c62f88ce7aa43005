"""The page of a model: what is concluded of it now, its history by day, and the distributions of its features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

import msgspec

from core.settings import Model
from functions.adapters.ports import Clock, Data, Warehouse
from functions.api import model_verdicts
from functions.api.cache import Cache
from functions.api.incidents import DAYS, Incidents
from functions.api.parameters import Range
from functions.api.performance import by_day
from functions.api.views import Views

_FOLDER = Path(__file__).parent
DISTRIBUTIONS = (_FOLDER / "window_distributions.sql").read_text().rstrip()
COSTS = (_FOLDER / "costs_by_day.sql").read_text().rstrip()
IN_USE = (_FOLDER / "versions_in_use.sql").read_text().rstrip()
_FRESH_SECONDS, _SLOW_SECONDS = 30.0, 600.0
_INSTANT = timedelta(microseconds=1)
_LISTED = ("id", "title", "severity", "state", "opened_at", "resolved_at")


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Reads what the page of a model shows.

    Attributes:
        views: the models.
        incidents: of all targets.
        warehouse: has distributions, costs, and versions in use.
        clock: now.
    """

    views: Views
    incidents: Incidents
    warehouse: Warehouse
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def forget(self) -> None:
        """Ask anew, since what was answered has changed."""
        self._cache.forget()

    def overview(self, name: str) -> Data:
        """A model as `/v1/models` has it, with its verdicts on drift and performance.

        Raises:
            LookupError: there is no such model.
        """
        model = self.views.one(name)
        target = self._settings(name).target
        open_ones = [one for one in self.incidents.about(target) if one["state"] != "resolved"]
        firing = [
            condition
            for incident in open_ones
            for condition in incident["conditions"]
            if condition["target"] == target and condition["status"] == "firing"
        ]
        return model | {
            "target": target,
            "incidents": [_listed(one) for one in open_ones],
            "verdicts": {
                "drift": model_verdicts.drift(model, self._row(model)),
                "performance": model_verdicts.performance(model, firing),
            },
        }

    def distributions(self, name: str) -> Data:
        """The distributions of the newest window; with the reason where there are none.

        Raises:
            LookupError: there is no such model.
        """
        model = self.views.one(name)
        about = {"model": name, "window_start": model.get("window_start"), "window_end": model["window_end"]}
        if model["window_end"] is None:
            return about | {"unknown": "the model has not been scored yet", "features": []}
        row = self._row(model)
        if row is None:
            text = "the distributions of the newest window are not kept: they are written with the scores, for two days"
            return about | {"unknown": text, "features": []}
        tests = {one["name"]: one["tests"] for one in model["features"]}
        features = [one | {"tests": tests.get(one["name"], {})} for one in msgspec.json.decode(row["features"])]
        return (
            {"model": name, "unknown": None}
            | row
            | {
                "segments": msgspec.json.decode(row["segments"]),
                "features": features,
            }
        )

    def history(self, name: str, wanted: Range) -> Data:
        """Drift, performance and costs of a model by day, its incidents, and which version was in use since when.

        Args:
            name: of the model.
            wanted: the range; one without an end goes on until now, or until the end of the model's log.

        Raises:
            BodyError: the range is longer than is allowed.
            LookupError: there is no such model.
        """
        drift = self.views.drift(name, wanted)
        days = self._days(name, wanted)
        since = datetime.combine(days[0], time.min, UTC)
        costs = self._costs(name, since)
        measures = by_day(self.views.performance(name, wanted), self._settings(name), days)
        found = [_listed(one) for one in self.incidents.about(self._settings(name).target) if _is_in(one, wanted)]
        return {
            "model": name,
            "days": days,
            "drift": _share(drift, days),
            "performance": next((one for one in measures if one["limit"] is not None), next(iter(measures), None)),
            "costs": [costs.get(day) for day in days] if costs else None,
            "versions": [
                one for one in self._switches(name, since) if not wanted.until or one["in_use_from"] < wanted.until
            ],
            "incidents": found,
            "incidents_since": self.clock() - timedelta(days=DAYS),
        }

    def performance(self, name: str, wanted: Range) -> Data:
        """Every measure of a model by day; raises as `history`."""
        if name not in self.views.monitored.all():
            raise LookupError(f"model: no model is called {name[:80]!r}")
        days = self._days(name, wanted)
        return {
            "model": name,
            "days": days,
            "measures": by_day(self.views.performance(name, wanted), self._settings(name), days),
        }

    def _days(self, name: str, wanted: Range) -> list[date]:
        """Every day of a range (UTC)."""
        since, until = wanted.ending(self.views.end(name) + _INSTANT)
        first, last = since.astimezone(UTC).date(), (max(until, since + _INSTANT) - _INSTANT).astimezone(UTC).date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]

    def _settings(self, name: str) -> Model:
        return self.views.monitored.all()[name]

    def _row(self, model: Data) -> Data | None:
        end = model["window_end"]
        if end is None:
            return None

        def read() -> Data | None:
            return next(iter(self.warehouse.query(DISTRIBUTIONS, model=model["name"], window_end=end)), None)

        return self._cache(("row", model["name"], end), read, seconds=_FRESH_SECONDS)

    def _costs(self, name: str, since: datetime) -> Mapping[date, float]:
        def read() -> dict[date, float]:
            return {row["day"]: row["dollars"] for row in self.warehouse.query(COSTS, model=name, since=since)}

        return self._cache(("costs", name, since), read, seconds=_SLOW_SECONDS)

    def _switches(self, name: str, since: datetime) -> list[Data]:
        """The changes of the version in use since an instant, and the one before them."""

        def read() -> list[Data]:
            rows = self.warehouse.query(IN_USE, model=name)
            return [next(group) for _, group in groupby(rows, key=lambda row: row["version"])]

        rows = self._cache(("in use", name), read, seconds=_FRESH_SECONDS)
        before = [row for row in rows if row["in_use_from"] < since][-1:]
        return before + [row for row in rows if row["in_use_from"] >= since]


def _listed(incident: Data) -> Data:
    return {name: incident[name] for name in _LISTED}


def _share(drift: Data, days: Sequence[date]) -> list[float | None]:
    """The share of features that drifted, by day; None where none was scored."""
    found: dict[date, float] = {}
    for place, day in enumerate(drift["days"]):
        told = [one["drifted"][place] for one in drift["features"] if one["drifted"][place] is not None]
        if told:
            found[day] = sum(told) / len(told)
    return [found.get(day) for day in days]


def _is_in(incident: Data, wanted: Range) -> bool:
    """Whether an incident was open within a range, as far as one is asked for."""
    ended = incident["resolved_at"]
    is_over = wanted.since is not None and ended is not None and ended < wanted.since
    return not is_over and (wanted.until is None or incident["opened_at"] < wanted.until)
