"""How a probe did over the last day and the last quarter: the share of its checks that succeeded, by half an hour and by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from functions.adapters.ports import Clock, Data
from functions.adapters.prometheus import Prometheus
from functions.api.cache import Cache
from functions.api.parameters import Range, range_of

PERIODS: Mapping[str, timedelta] = {"24h": timedelta(hours=24), "90d": timedelta(days=90)}
"""What pages draw, by its name."""
MOST = timedelta(days=400)
_SHORT = timedelta(days=2)
_INTERVALS = (1800, 86_400)
"""Seconds of an interval of a short range, and of a longer one."""
_QUERY = "sum by (probe) (sum_over_time(aia_probe_up[{seconds}s])) / sum by (probe) (count_over_time(aia_probe_up[{seconds}s]))"
_FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeHistory:
    """Reads the past of all probes.

    Attributes:
        prometheus: has it.
        clock: now.
    """

    prometheus: Prometheus
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def all(self, values: Mapping[str, Any]) -> Data:
        """Of each probe the share of good checks by interval, the newest last; None where there was no check.

        Args:
            values: the parameters `RANGE`, and `period`, of `PERIODS`: how long before the end, where no start is given.

        Raises:
            BodyError: the range is longer than is allowed.
            UnavailableError: the metrics do not answer.
        """
        wanted = range_of(values, usual=PERIODS[values["period"]], most=MOST)
        return self._cache((wanted,), lambda: self._read(wanted), seconds=_FRESH_SECONDS)

    def _read(self, wanted: Range) -> Data:
        since, until = wanted.ending(self.clock())
        seconds = _INTERVALS[until - since > _SHORT]
        count = max(1, int((until - since).total_seconds()) // seconds)
        end = int(until.timestamp())
        start = end - seconds * (count - 1)
        found = self.prometheus.range(_QUERY.format(seconds=seconds), start=start, end=end, step=seconds)
        return {
            "since": datetime.fromtimestamp(start - seconds, UTC),
            "until": datetime.fromtimestamp(end, UTC),
            "seconds": seconds,
            "probes": {one.labels["probe"]: one.values for one in found if "probe" in one.labels},
        }
