"""How a generative model is measured: the shares of requests in which something is wrong, latency, cost and scores.

References:
    Hahn and Meeker (1991), Statistical Intervals, section 5.2: the interval of a quantile from order statistics.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.drift.columns import Column, Floats, measured, tally
from core.generative.pii import CLEAN
from core.performance.intervals import NOTHING, Estimate, mean, share
from core.performance.meter import Estimator, Measures
from core.performance.rows import Rows
from core.settings.generation import (
    DOLLARS,
    EMPTY,
    EMPTY_CONTEXT,
    FAILED,
    HIT,
    INVALID,
    PII,
    REFUSED,
    TRUNCATED,
    Generation,
)

_Z = 1.959963984540054
_QUANTILE = 0.95
SHARES = {
    "error_ratio": FAILED,
    "refusal_ratio": REFUSED,
    "truncated_ratio": TRUNCATED,
    "empty_ratio": EMPTY,
    "invalid_format_ratio": INVALID,
    "pii_ratio": PII,
    "empty_context_ratio": EMPTY_CONTEXT,
    "retrieval_hit_ratio": HIT,
}
"""The measures that are shares of all requests, and the features that they are shares of."""


def usual(flag: str) -> str:
    """The category of a flag that does not count."""
    return CLEAN if flag == PII else "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationMeter:
    """Measures generative models, as a `Meter`; what is not among the features of the rows is not measured.

    Attributes:
        log: what the model logs.
    """

    log: Generation

    @property
    def values(self) -> tuple[str, ...]:
        """The numeric features that are measured by their values, and not by counts."""
        cost = self.log.cost or (DOLLARS if self.log.prices else None)
        known = (self.log.first_token, self.log.total, cost, self.log.retries)
        return (*(name for name in known if name), *self.log.scores)

    def measure(self, rows: Rows) -> Measures:
        """Every measure that there are features for."""
        return shares(rows.features) | self.measure_values(rows.features)

    def measure_values(self, columns: Mapping[str, Column]) -> dict[str, Estimate]:
        """The measures that are no shares: latency, cost, retries and scores; columns may be of a sample of the requests.

        Raises:
            ProfileError: a column does not hold numbers.
        """
        log = self.log
        cost = log.cost or DOLLARS
        quantiles = {"first_token_p95": log.first_token, "total_p95": log.total}
        means = {"dollars_per_request": cost, "retries_per_request": log.retries}
        means |= {f"score/{name}": name for name in log.scores}
        found = {name: p95(_known(column, columns)) for name, column in quantiles.items() if column in columns}
        found |= {name: mean(_known(column, columns)) for name, column in means.items() if column in columns}
        return found

    def learn(self, rows: Rows) -> Estimator | None:
        """None: there is no label that would have to be waited for."""
        del rows
        return None

    def load(self, data: Mapping[str, Any]) -> Estimator:
        """None is ever stored.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"estimator: must be none of a generative model, got {sorted(data)}")


def shares(columns: Mapping[str, Column]) -> dict[str, Estimate]:
    """The shares of requests by the columns of flags, missing values passed over.

    >>> shares({"failed_": [True, False, False, None]})["error_ratio"][::3]
    (0.3333333333333333, 3)
    """
    found = {}
    for name, flag in SHARES.items():
        if flag in columns:
            rows, _ = tally(flag, columns[flag])
            known = sum(rows.values())
            found[name] = share(known - rows.get(usual(flag), 0), known)
    return found


def p95(values: Floats) -> Estimate:
    """The 95th percentile with its interval from order statistics, whatever the distribution.

    >>> p95(np.arange(1.0, 1001.0))
    Estimate(value=950.0, low=936.0, high=964.0, rows=1000)
    """
    n = values.size
    if not n:
        return NOTHING
    place, reach = n * _QUANTILE, _Z * math.sqrt(n * _QUANTILE * (1 - _QUANTILE))
    ranks = (math.ceil(place), math.floor(place - reach), math.ceil(place + reach))
    value, low, high = np.sort(values)[[min(max(rank, 1), n) - 1 for rank in ranks]].tolist()
    return Estimate(value, low, high, n)


def _known(name: str | None, columns: Mapping[str, Column]) -> Floats:
    values = measured(str(name), columns[str(name)])
    return values[np.isfinite(values)]
