"""Figures that are kept until they are made anew: what was measured, when, and how far the marts reach."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from functions.adapters.ports import Data, Metrics, Store
from functions.adapters.store import update

COLLECTION = "business"
"""A document a part of the job: its newest figures, set as metrics at every tick until there are newer ones."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One value of one metric.

    Attributes:
        name: of the metric.
        value: in the metric's unit.
        labels: exactly those of the metric.
    """

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def spelt(self) -> str:
        """The labels as a JSON object, ordered by name."""
        return json.dumps(dict(self.labels), sort_keys=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a part of the job made.

    Attributes:
        due: the instant the figures are about.
        figures: the values.
        rollups: up to which instant the tables that it keeps are complete, by their names.
        facts: what else other parts need to know, by the names of `core.business.facts`.
        noted: of other parts, the day whose figures are written down, by their names.
    """

    due: datetime
    figures: tuple[Figure, ...] = ()
    rollups: Mapping[str, datetime] = field(default_factory=dict)
    facts: Mapping[str, float] = field(default_factory=dict)
    noted: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def reach(self) -> tuple[Figure, ...]:
        """Up to when the tables are complete, as figures."""
        return tuple(
            Figure("aia_rollup_timestamp_seconds", until.timestamp(), {"rollup": name})
            for name, until in self.rollups.items()
        )

    def to_data(self) -> Data:
        """As the store keeps it."""
        figures = [{"name": one.name, "value": one.value, "labels": dict(one.labels)} for one in self.figures]
        rest = {name: dict(getattr(self, name)) for name in ("rollups", "facts", "noted")}
        return {"due": self.due, "figures": figures, **rest}

    @classmethod
    def from_data(cls, data: Data) -> Self:
        """What the store kept."""
        figures = tuple(Figure(one["name"], one["value"], one["labels"]) for one in data["figures"])
        noted = data.get("noted", {})  # documents of an older version have none
        return cls(due=data["due"], figures=figures, rollups=data["rollups"], facts=data["facts"], noted=noted)


def load(store: Store, part: str) -> Made | None:
    """The newest that a part made."""
    found = store.get(COLLECTION, part)
    return Made.from_data(found.data) if found else None


def save(store: Store, part: str, made: Made) -> None:
    """Keep what a part made, unless something newer is kept."""

    def change(data: Data | None) -> Data | None:
        kept = Made.from_data(data) if data else None
        return made.to_data() if kept is None or kept.due <= made.due else None

    update(store, COLLECTION, part, change)


def show(metrics: Metrics, figures: Iterable[Figure], at: datetime) -> None:
    """Set the metrics to figures."""
    for one in figures:
        metrics.gauge(one.name, one.value, at=at, **one.labels)
