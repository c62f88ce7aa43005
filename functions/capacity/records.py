"""The document of a resource, which the page shows, and the rows of its forecasts: each as it is made, and again with its error."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.business.checks import Floats
from core.capacity.forecast import HOUR, STEP, CapacityForecast
from core.capacity.judge import Crossing, Usage, crossing
from core.capacity.scaling import Proposal
from core.detection import Verdict
from core.events import stamp
from core.settings.capacity import CapacityResource
from functions.adapters.ports import Data, Document

AHEAD: timedelta = HOUR * STEP
_STEPS = ("middle", "low", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What an earlier tick has left.

    Attributes:
        at: its instant, or None.
        scaled_at: when a change of the number of replicas was proposed last.
        forecasts: those whose error is not known yet, oldest first.
    """

    at: datetime | None = None
    scaled_at: datetime | None = None
    forecasts: tuple[Data, ...] = ()


def before(document: Document | None) -> Before:
    """What the document of a resource says."""
    if document is None:
        return Before()
    data = document.data
    proposal = data["proposal"] or {}
    return Before(at=data["at"], scaled_at=proposal.get("scaled_at"), forecasts=tuple(data["forecasts"]))


def made(resource: CapacityResource, usage: Usage, at: datetime) -> Data | None:
    """The forecast as it is stored; None where there is none."""
    if usage.forecast is None or usage.value is None:
        return None
    found = crossing(resource, usage.forecast)
    return {"at": at, "value": usage.value} | _steps(usage.forecast) | _crossing(found)


def errors(forecasts: tuple[Data, ...], values: Floats, at: datetime) -> Iterator[tuple[Data, Data | None]]:
    """Each stored forecast with its error, or None where its hour is not over; those of which no value is known are left out.

    Args:
        forecasts: oldest first.
        values: the series, ending at the instant.
        at: the instant.
    """
    for one in forecasts:
        if at - one["at"] < AHEAD:
            yield one, None
            continue
        start = values.size - (at - one["at"]) // STEP
        actual = values[start : start + HOUR] if start >= 0 else values[:0]
        known = ~np.isnan(actual)
        if known.any():
            yield one, _error(one, actual, known)


def _error(one: Mapping[str, Any], actual: Floats, known: np.ndarray[Any, np.dtype[np.bool_]]) -> Data:
    middle, low, high = (np.array(one[name])[known] for name in _STEPS)
    real = actual[known]
    return {
        "error": float(np.abs(middle - real).mean()),
        "persistence_error": float(np.abs(one["value"] - real).mean()),
        "inside": float(((low <= real) & (real <= high)).mean()),
    }


def row(resource: CapacityResource, forecast: Data, error: Data | None, at: datetime) -> Data:
    """A row of `ops.capacity_forecasts_raw`: as it is written anew with the error, it has the same id."""
    nothing = {"error": None, "persistence_error": None, "inside": None}
    return {
        "id": f"{resource.name}:{stamp(forecast['at'])}",
        "resource": resource.name,
        "target": resource.target,
        "forecast_at": forecast["at"],
        "limit_value": resource.limit,
        **{name: forecast[name] for name in ("value", *_STEPS, "probability", "minutes")},
        **(error or nothing),
        "written_at": at,
    }


def document(
    resource: CapacityResource,
    verdict: Verdict,
    at: datetime,
    *,
    forecast: Data | None,
    open_forecasts: tuple[Data, ...],
    error: Data | None,
    proposal: Proposal | None,
) -> Data:
    """The document: what is known of the resource, what is proposed, and the forecasts whose error is not known yet."""
    return {
        "name": resource.name,
        "target": resource.target,
        "unit": resource.unit,
        "limit": resource.limit,
        "crosses": resource.crosses.value,
        "at": at,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason.value,
        "summary": verdict.summary,
        "value": verdict.value,
        "forecast": forecast,
        "last_error": error,
        "proposal": asdict(proposal) | {"reason": proposal.reason.value} if proposal else None,
        "forecasts": [*open_forecasts, *([forecast] if forecast else [])],
    }


def _steps(forecast: CapacityForecast) -> Data:
    return {name: getattr(forecast, name).tolist() for name in _STEPS}


def _crossing(found: Crossing) -> Data:
    return {"probability": found.probability, "minutes": found.minutes}
