"""What the page shows of the performance of a model."""

from collections.abc import Sequence
from datetime import date

from core.measures import MEASURES, Better, measure_of
from core.settings import Model
from functions.adapters.ports import Data

_SHOWN = ("value", "low", "high", "reference", "expected", "expected_low", "expected_high", "n_labels")
_ORDER = {name: place for place, name in enumerate(MEASURES)}


def accuracy(rows: Sequence[Data], floor: float | None) -> Data | None:
    """The newest accuracy that is known, and by day; None where there is none."""
    known = [row for row in rows if row["measure"] == "accuracy" and row["value"] is not None]
    if not known:
        return None
    return {
        "value": known[-1]["value"],
        "n_labels": known[-1]["n_labels"],
        "floor": floor,
        "by_day": [{"day": row["day"], "value": row["value"]} for row in known],
    }


def labels(rows: Sequence[Data], model: Model) -> Data | None:
    """How many labels have arrived in the newest window, and how many a verdict needs; None where none are expected, or none was scored."""
    newest = max(rows, key=lambda row: row["window_end"], default=None)
    if model.label is None or newest is None:
        return None
    return {"arrived": newest["n_labels"], "required": model.minimum_rows}


def measures(rows: Sequence[Data], model: Model) -> list[Data]:
    """Every metric of the newest window, in the order of the registry, single classes last; with its limit in the settings."""
    newest = max((row["window_end"] for row in rows), default=None)
    found = [row for row in rows if row["window_end"] == newest and row["measure"].partition("/")[0] in MEASURES]
    return [_shown(row, model) for row in sorted(found, key=lambda row: _place(row["measure"]))]


def by_day(rows: Sequence[Data], model: Model, days: Sequence[date]) -> list[Data]:
    """Every measure that is known in the newest window, by day, in the same order; None on a day where it is not."""
    return [_by_day(rows, one, days) for one in measures(rows, model) if one["value"] is not None]


def _by_day(rows: Sequence[Data], shown: Data, days: Sequence[date]) -> Data:
    of_day = {row["day"]: row for row in rows if row["measure"] == shown["measure"]}
    about = {name: shown[name] for name in ("measure", "title", "unit", "better", "limit")}
    return about | {
        name: [of_day[day][name] if day in of_day else None for day in days] for name in ("value", "low", "high")
    }


def gaps(rows: Sequence[Data], model: Model) -> list[Data]:
    """The largest gap of each measure between the groups of each segment column, with every group, the worst one first."""
    found: dict[tuple[str, str], Data] = {}
    for row in rows:
        if row["segment_value"] is None and row["measure"] in MEASURES:
            measure = MEASURES[row["measure"]]
            about = {"title": measure.title, "unit": measure.unit.value, "limit": model.gap_limits.get(measure.name)}
            shown = {name: row[name] for name in ("segment", "measure", "value", "low", "high", "best", "worst")}
            found[row["segment"], row["measure"]] = shown | about | {"groups": []}
    for row in rows:
        gap = found.get((row["segment"], row["measure"]))
        if gap is not None and row["segment_value"] is not None:
            one = {name: row[name] for name in ("value", "low", "high", "n_rows")}
            gap["groups"].append({"name": row["segment_value"]} | one)
    return [gap | {"groups": sorted(gap["groups"], key=lambda one: _badness(gap, one))} for gap in found.values()]


def _badness(gap: Data, one: Data) -> float:
    value: float = one["value"]
    return value if MEASURES[gap["measure"]].better is Better.HIGHER else -abs(value)


def _place(name: str) -> tuple[bool, int, str]:
    base, _, part = name.partition("/")
    return bool(part), _ORDER[base], part


def _shown(row: Data, model: Model) -> Data:
    measure = measure_of(row["measure"])
    own = model.generation.limits if model.generation else model.limits
    limits = {**own, "accuracy": model.accuracy_floor}
    limit = limits.get(measure.name.partition("/")[0])
    value = row["value"]
    ceiling = measure.better is not Better.HIGHER
    beyond = limit is not None and value is not None and (abs(value) > limit if ceiling else value < limit)
    about = {
        "measure": measure.name,
        "title": measure.title,
        "unit": measure.unit.value,
        "better": measure.better.value,
    }
    return about | {name: row[name] for name in _SHOWN} | {"limit": limit, "beyond": beyond}
