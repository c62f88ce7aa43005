"""Estimates of the business, found on disk where another process has made them of the same numbers.

The accuracy of the newest day needs the forecasts of four months before it: two thirds of the time of a short history.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import core.business
from core.business.checks import Floats
from core.business.forecast import Forecast, ForecastMethod, Interval, forecast
from functions.bi_rollup import lifetime_value
from functions.bi_rollup.forecasts import Forecaster
from functions.bi_rollup.lifetime_value import Purchases, Valuer, value_metrics
from functions.bi_rollup.result import MetricValue
from infra.local.results import Results

_DAYS = ("middle", "mean", "low", "high")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimates:
    """What the past of the business is estimated by.

    Attributes:
        forecaster: forecasts a series.
        valuer: estimates the lifetime value of customers.
    """

    forecaster: Forecaster = forecast
    valuer: Valuer = value_metrics


_MADE = Estimates()


def estimates_on_disk(path: Path, made: Estimates = _MADE) -> Estimates:
    """The same estimates, to the last digit, each made once for all processes that use a file.

    Args:
        path: of the file; see `Results`.
        made: make those that are not there.
    """
    results = Results(path, _version())

    def forecaster(daily: Floats, *, horizon: int, level: float, today: date) -> Forecast:
        make = partial(made.forecaster, daily, horizon=horizon, level=level, today=today)
        text = results.kept("forecast", lambda: _forecast_text(make()), daily.tobytes(), horizon, level, today)
        return _read_forecast(text)

    def valuer(history: Purchases, discount: float, *, interval: bool) -> Iterator[MetricValue]:
        make = partial(made.valuer, history, discount, interval=interval)
        numbers = [column.tobytes() for column in history.summary]
        text = results.kept("value_metrics", lambda: _metrics_text(make), *numbers, discount, interval)
        return (MetricValue(*row) for row in json.loads(text))

    return Estimates(forecaster=forecaster, valuer=valuer)


def _version() -> str:
    """Of everything that an estimate follows from besides its numbers: the code that makes it, and what it is made with."""
    code = sorted(Path(core.business.__path__[0]).glob("*.py"))
    digest = hashlib.sha256()
    for path in (*code, Path(lifetime_value.__file__), Path(__file__)):
        digest.update(path.read_bytes())
    return f"numpy {version('numpy')} scipy {version('scipy')} {digest.hexdigest()}"


def _forecast_text(made: Forecast) -> str:
    days = {name: getattr(made, name).tolist() for name in _DAYS}
    total = {field.name: getattr(made.total, field.name) for field in fields(Interval)}
    return json.dumps({**days, "total": total, "method": made.method.value})


def _read_forecast(text: str) -> Forecast:
    made: dict[str, Any] = json.loads(text)
    days = {name: np.array(made[name], dtype=np.float64) for name in _DAYS}
    return Forecast(**days, total=Interval(**made["total"]), method=ForecastMethod(made["method"]))


def _metrics_text(make: Callable[[], Iterable[MetricValue]]) -> str:
    return json.dumps([(metric.name, metric.value, dict(metric.labels)) for metric in make()])
