"""Results of rollups: metric values, indicators, and how far the tables are complete."""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from core.errors import UnreadableError
from functions.adapters.ports import Data, Metrics, Store
from functions.adapters.store import update
from functions.services.rollups import COLLECTION

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricValue:
    """The value of one series of a metric.

    Attributes:
        name: of the metric.
        value: in the metric's unit.
        labels: exactly those of the metric.
    """

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def labels_json(self) -> str:
        """The labels as a JSON object, ordered by name."""
        return json.dumps(dict(self.labels), sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupResult:
    """The result of a rollup.

    Attributes:
        due: the instant that the result is for.
        metrics: the metric values.
        complete_until: up to which instant its tables are complete, by table.
        indicators: inputs of stakeholder satisfaction, by the names of `core.business.indicators`.
        recorded: of `daily_metrics` only: the day whose metrics are written, by rollup.
    """

    due: datetime
    metrics: tuple[MetricValue, ...] = ()
    complete_until: Mapping[str, datetime] = field(default_factory=dict)
    indicators: Mapping[str, float] = field(default_factory=dict)
    recorded: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def freshness(self) -> tuple[MetricValue, ...]:
        """Up to which instant its tables are complete, as metric values."""
        return tuple(
            MetricValue("aia_rollup_timestamp_seconds", until.timestamp(), {"rollup": table})
            for table, until in self.complete_until.items()
        )

    def to_data(self) -> Data:
        """As a document of the store."""
        metrics = [{"name": value.name, "value": value.value, "labels": dict(value.labels)} for value in self.metrics]
        rest = {name: dict(getattr(self, name)) for name in ("complete_until", "indicators", "recorded")}
        return {"due": self.due, "metrics": metrics, **rest}

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """From a document of the store.

        Raises:
            UnreadableError: it was written by another version, or is corrupt.
        """
        try:
            return cls(**data | {"metrics": tuple(MetricValue(**value) for value in data["metrics"])})
        except (KeyError, TypeError) as error:
            raise UnreadableError(f"cannot be read: {type(error).__name__}: {error}") from error


def load(store: Store, rollup: str) -> RollupResult | None:
    """The newest result of a rollup; None where there is none, or only one of another version: it is computed again."""
    document = store.get(COLLECTION, rollup)
    return _decoded(rollup, document.data if document else None)


def save(store: Store, rollup: str, result: RollupResult) -> None:
    """Store the result of a rollup, unless a newer one is stored."""

    def change(data: Data | None) -> Data | None:
        stored = _decoded(rollup, data)
        return result.to_data() if stored is None or stored.due <= result.due else None

    update(store, COLLECTION, rollup, change)


def _decoded(rollup: str, data: Data | None) -> RollupResult | None:
    try:
        return RollupResult.from_data(data) if data else None
    except UnreadableError as error:
        log.warning("result of %s %s; computed again", rollup, error)
        return None


def publish(metrics: Metrics, values: Iterable[MetricValue], at: datetime) -> None:
    """Set gauges to the values."""
    for value in values:
        metrics.gauge(value.name, value.value, at=at, **value.labels)
