"""What is concluded of a model now: good, bad or not known, with the reason, the instant and the rows it rests on."""

from collections.abc import Sequence

from core.detection import Outcome
from core.measures import Better, measure_of
from functions.adapters.ports import Data

PERFORMANCE = frozenset(
    {
        "accuracy_below_floor",
        "estimated_performance_degraded",
        "generation_beyond_limit",
        "generation_degraded",
        "performance_below_expected",
        "performance_beyond_limit",
        "performance_degraded",
        "performance_gap",
    }
)
"""The kinds of conditions that are about performance."""


def drift(model: Data, distributions: Data | None) -> Data:
    """The verdict on the drift of the newest window.

    Args:
        model: as `/v1/models` has it.
        distributions: of the same window, with the verdict of the detector; None where they are not known.
    """
    about = _about(model, rows=model.get("n_current"))
    if unknown := _why_unknown(model):
        return about | {"outcome": Outcome.NOT_KNOWN, "summary": unknown}
    if distributions:
        return about | {name: distributions[name] for name in ("outcome", "summary")}
    if model["reason"]:
        return about | {"outcome": Outcome.NOT_KNOWN, "summary": f"no verdict: {model['reason'].replace('_', ' ')}"}
    text = f"{len(model['drifted'])} of {len(model['features'])} features drifted"
    return about | {"outcome": Outcome.of(bad=bool(model["drifted"])), "summary": text}


def performance(model: Data, firing: Sequence[Data]) -> Data:
    """The verdict on performance.

    Args:
        model: as `/v1/models` has it.
        firing: the conditions of the model's open incidents that fire.
    """
    measures = [one for one in model["performance"] if one["value"] is not None]
    labels = max((one["n_labels"] or 0 for one in measures), default=0)
    about = _about(model, rows=model["labels"]["arrived"] if model["labels"] else labels)
    broken = [one["summary"] for one in firing if one["kind"] in PERFORMANCE] or _broken(model)
    if unknown := _why_unknown(model) or ("" if broken else _why_unmeasured(model, measures)):
        return about | {"outcome": Outcome.NOT_KNOWN, "summary": unknown}
    return about | {"outcome": Outcome.of(bad=bool(broken)), "summary": "; ".join(broken) or _within(measures)}


def _about(model: Data, *, rows: int | None) -> Data:
    return {"at": model["window_end"], "rows": rows if model["window_end"] else None}


def _why_unknown(model: Data) -> str:
    if model["window_end"] is None:
        return "not scored yet"
    return "no newer window was scored" if model["overdue"] or model["awaited"] else ""


def _why_unmeasured(model: Data, measures: Sequence[Data]) -> str:
    labels = model["labels"]
    if labels and labels["arrived"] < labels["required"]:
        return f"{labels['arrived']:,} labels have arrived for the window; a verdict needs {labels['required']:,}"
    if not measures:
        return "the window has no measure" if labels else "the settings name no labels"
    if any(one["limit"] is not None for one in measures):
        return ""
    if not any(one["reference"] is not None for one in measures):
        return "neither a limit nor the performance of the reference is known"
    worse = ", ".join(one["title"] for one in measures if _is_worse(one))
    return f"worse than in the reference, and no limit says whether that is too much: {worse}" if worse else ""


def _is_worse(one: Data) -> bool:
    """Whether the whole interval is worse than the reference."""
    ends = (one["reference"], one["low"], one["high"])
    return None not in ends and all(measure_of(one["measure"]).is_worse(end, ends[0]) for end in ends[1:])


def _broken(model: Data) -> list[str]:
    measures = [_beyond(one) for one in model["performance"] if one["beyond"]]
    wide = [one for one in model["gaps"] if one["limit"] is not None and one["value"] > one["limit"]]
    return measures + [f"{one['title']} differs too much by {one['segment']}" for one in wide]


def _beyond(one: Data) -> str:
    spell, side = measure_of(one["measure"]).spell, "below" if one["better"] == Better.HIGHER else "above"
    return f"{one['title']} {spell(one['value'])} is {side} its limit of {spell(one['limit'])}"


def _within(measures: Sequence[Data]) -> str:
    limited = [one["title"] for one in measures if one["limit"] is not None]
    return f"{', '.join(limited)} within limits" if limited else "not worse than in the reference"
