"""How a probe did over the last day and the last quarter: the share of its checks that succeeded, by half an hour and by day."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from functions.adapters.ports import Clock, Data
from functions.adapters.prometheus import Prometheus
from functions.api.cache import Cache

RANGES: Mapping[str, tuple[int, int]] = {"24h": (1800, 48), "90d": (86_400, 90)}
"""Of each range the seconds of an interval, and how many intervals it has."""
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

    def all(self, name: str) -> Data:
        """Of each probe the share of good checks by interval, the newest last; None where there was no check.

        Args:
            name: of the range, of `RANGES`.

        Raises:
            UnavailableError: the metrics do not answer.
        """
        return self._cache((name,), lambda: self._read(name), seconds=_FRESH_SECONDS)

    def _read(self, name: str) -> Data:
        seconds, count = RANGES[name]
        end = int(self.clock().timestamp())
        start = end - seconds * (count - 1)
        found = self.prometheus.range(_QUERY.format(seconds=seconds), start=start, end=end, step=seconds)
        return {
            "since": datetime.fromtimestamp(start - seconds, UTC),
            "until": datetime.fromtimestamp(end, UTC),
            "seconds": seconds,
            "probes": {one.labels["probe"]: one.values for one in found if "probe" in one.labels},
        }
