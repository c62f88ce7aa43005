"""The signals that there are, and the values of one of them over time."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from core.metrics import CATALOGUE
from functions.adapters.ports import Clock, Data
from functions.adapters.prometheus import Prometheus
from functions.api.cache import Cache
from functions.api.coverage import Coverage
from functions.api.listing import LONGEST, WORDS, words
from functions.api.parameters import RANGE, Choice, Parameter, Text, Whole, next_step, range_of

OF_SIGNALS = (
    Parameter("area", Text(LONGEST), "The area that they belong to."),
    Parameter("seen", Choice(("true",)), "Only those with a fresh sample."),
    WORDS,
)
OF_VALUES = (*RANGE, Parameter("step", Whole(15, 86_400), "Seconds between two values; as fits where it is not given."))
USUAL, LONGEST_RANGE = timedelta(hours=1), timedelta(days=400)
MOST_SERIES, MOST_VALUES = 50, 1000
_STEP = 15
_FINE = 240
"""Values of a series where nobody says."""
_FRESH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Signals:
    """Lists signals, and reads their values.

    Attributes:
        coverage: knows the signals.
        prometheus: has their values.
        clock: now.
    """

    coverage: Coverage
    prometheus: Prometheus
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def all(self, values: Mapping[str, Any]) -> list[Data]:
        """The signals of every area, with how they are watched; those that match."""
        wanted, area = words(values["q"]), values["area"]
        found = [
            {"area": one["name"], **signal}
            for one in self.coverage.all()["areas"]
            if not area or one["name"] == area
            for signal in one["signals"]
            if not values["seen"] or signal["series"]
        ]
        return [one for one in found if all(word in f"{one['selector']} {one['help']}".lower() for word in wanted)]

    def values(self, metric: str, values: Mapping[str, Any]) -> Data:
        """The series of a metric over a range, at most `MOST_SERIES` of them.

        Raises:
            BodyError: the range is longer than is allowed.
            LookupError: no signal has that metric, and the catalogue has none of that name.
            QueryError: the metrics refuse to answer.
            UnavailableError: they do not answer.
        """
        if metric not in CATALOGUE and metric not in self._known():
            raise LookupError(f"signal: no metric is called {metric[:80]!r}")
        wanted = range_of(values, usual=USUAL, most=LONGEST_RANGE)
        since, until = wanted.ending(next_step(self.clock(), timedelta(seconds=_STEP)))
        since = min(since, until)  # what has not begun has no values
        step = max(_step(until - since, MOST_VALUES), values["step"] or _step(until - since, _FINE))

        def read() -> Data:
            return self._read(metric, since, until, step)

        return self._cache((metric, since, until, step), read, seconds=_FRESH_SECONDS)

    def _known(self) -> set[str]:
        return {one["metric"] for area in self.coverage.all()["areas"] for one in area["signals"]}

    def _read(self, metric: str, since: datetime, until: datetime, step: int) -> Data:
        end = int(until.timestamp())
        start = end - int((until - since).total_seconds()) // step * step
        found = self.prometheus.range(metric, start=start, end=end, step=step)
        known = CATALOGUE.get(metric)
        return {
            "metric": metric,
            "unit": known.unit if known else "",
            "help": known.help if known else "",
            "since": datetime.fromtimestamp(start, UTC),
            "until": datetime.fromtimestamp(end, UTC),
            "step": step,
            "series": [{"labels": one.labels, "values": one.values} for one in found[:MOST_SERIES]],
            "left_out": max(0, len(found) - MOST_SERIES),
        }


def _step(length: timedelta, most: int) -> int:
    """Whole quarters of a minute, so that a range has at most so many values.

    >>> _step(timedelta(hours=1), 240), _step(timedelta(days=1), 240)
    (15, 360)
    """
    return max(_STEP, math.ceil(length.total_seconds() / most / _STEP) * _STEP)
