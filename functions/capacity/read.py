"""Reads series of a week from Prometheus or Cloud Monitoring, one value every five minutes."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import numpy as np

from core.business.checks import Floats
from core.capacity.anomaly import Surprise, surprise
from core.capacity.forecast import HISTORY, HOUR, STEP, forecast
from core.capacity.judge import Usage
from core.errors import QueryError, UnavailableError
from core.settings.capacity import CapacityResource, Scaling
from functions.adapters.prometheus import Series

SECONDS = int(STEP.total_seconds())
MOST_UNANSWERED = 3
MOST = 100
"""Series of a metric that are watched for anomalies."""
MOST_REPLICAS = 1_000_000
LARGEST = 1e100
"""Values beyond are not known: what is estimated of them is no finite number."""


class Ranges(Protocol):
    """What is asked of Prometheus; see `functions.adapters.prometheus.Prometheus`."""

    def instant(self, query: str, *, at: int) -> list[Series]:
        """The series of a query at an instant."""
        ...

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        """The series of a query at the instants of a grid."""
        ...


class OneTick:
    """Prometheus within one tick: after `MOST_UNANSWERED` questions without an answer none is asked, as each wait takes seconds of the tick."""

    def __init__(self, prometheus: Ranges) -> None:
        self._prometheus = prometheus
        self._unanswered: list[UnavailableError] = []

    def instant(self, query: str, *, at: int) -> list[Series]:
        """See `Ranges`."""
        return self._ask(lambda: self._prometheus.instant(query, at=at))

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        """See `Ranges`."""
        return self._ask(lambda: self._prometheus.range(query, start=start, end=end, step=step))

    def _ask(self, question: Callable[[], list[Series]]) -> list[Series]:
        if len(self._unanswered) >= MOST_UNANSWERED:
            raise self._unanswered[-1]
        try:
            return question()
        except UnavailableError as error:
            self._unanswered.append(error)
            raise


def usage(prometheus: Ranges, resource: CapacityResource, at: datetime) -> tuple[Usage, Floats]:
    """What is known of a resource, and its series up to an instant, which is empty where nothing is."""
    try:
        found = _week(prometheus, resource.query, at)
    except (QueryError, UnavailableError) as error:
        return Usage(problem=str(error)), np.empty(0)
    if len(found) > 1:
        return Usage(problem=f"the query must give one series, got {len(found)}"), np.empty(0)
    values = _values(found[0]) if found else np.empty(0)
    known = values[-HOUR:][~np.isnan(values[-HOUR:])]
    return Usage(value=float(known[-1]) if known.size else None, forecast=forecast(values)), values


def replicas(prometheus: Ranges, scaling: Scaling, at: datetime) -> int | None:
    """The current number of replicas; None where it is not known."""
    try:
        found = prometheus.instant(scaling.replicas, at=int(at.timestamp()))
    except (QueryError, UnavailableError):
        return None
    value = found[0].values[0] if len(found) == 1 else None
    return round(value) if value is not None and 0 <= value <= MOST_REPLICAS else None


def surprises(prometheus: Ranges, name: str, at: datetime) -> tuple[dict[str, Surprise | None], str]:
    """How unusual each series of a metric is, by its labels, and why nothing is known of it or an empty text."""
    try:
        found = _week(prometheus, name, at)
    except (QueryError, UnavailableError) as error:
        return {}, str(error)
    if len(found) > MOST:
        return {}, f"must have {MOST} series at most, got {len(found)}"
    return {_labels(one): surprise(_values(one)) for one in found}, ""


def _week(prometheus: Ranges, query: str, at: datetime) -> list[Series]:
    end = int(at.timestamp()) // SECONDS * SECONDS
    return prometheus.range(query, start=end - (HISTORY - 1) * SECONDS, end=end, step=SECONDS)


def _values(series: Series) -> Floats:
    values = np.array([np.nan if value is None else value for value in series.values], dtype=np.float64)
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def _labels(series: Series) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in sorted(series.labels.items()) if name != "__name__")
