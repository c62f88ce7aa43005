"""Seasonal calibration: how far each feature moves when nothing is wrong, by the slot of the calendar."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from core.drift.columns import Floats, Ints, ProfileError
from core.drift.report import DriftReport

_SCALE = 1.4826  # the standard deviation of a normal in units of its median absolute deviation


def hour_of_week(instant: datetime) -> int:
    """The slot of an instant: 0 for Monday 00 h to 167 for Sunday 23 h.

    >>> hour_of_week(datetime(2026, 1, 6, 5, 59))
    29
    """
    return instant.weekday() * 24 + instant.hour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """The strength, in sd, that k features reach when nothing is wrong.

    Attributes:
        slots: the slots that are known, ascending; shape (s,).
        by_slot: the usual strength in each; shape (s, k).
        anywhere: the usual strength over all slots, for those that are not known; shape (k,).
    """

    slots: Ints
    by_slot: Floats
    anywhere: Floats

    @classmethod
    def learn(cls, history: Iterable[tuple[int, DriftReport]], features: Sequence[str], *, windows: int = 3) -> Self:
        """Learn from windows of the past in which nothing was wrong.

        The usual strength is the median over the windows plus three of their robust standard deviations, so that one
        bad window among the past ones does little. A slot has few windows: its deviation is at least that of all slots.

        Args:
            history: slots, as from `hour_of_week`, and the reports of windows that fell into them.
            features: the features, in the order of the arrays.
            windows: of so many windows at least a slot is known, at least 1.

        Raises:
            ProfileError: there is no window at all.
        """
        found: dict[int, list[list[float]]] = defaultdict(list)
        for slot, report in history:
            strength = {feature.name: feature.strength for feature in report.features}
            found[slot].append([strength.get(name, 0.0) for name in features])
        if not found:
            raise ProfileError("history: must hold at least 1 window, got none")
        known = sorted(slot for slot, rows in found.items() if len(rows) >= windows)
        tables = [np.array(found[slot]) for slot in known]
        least = _spread([row - np.median(table, axis=0) for table in tables for row in table]) if tables else 0.0
        return cls(
            slots=np.array(known, dtype=np.int64),
            by_slot=np.array([_usual(table, least) for table in tables]).reshape(len(known), len(features)),
            anywhere=_usual(np.array([row for rows in found.values() for row in rows])),
        )

    def knows(self, slot: int | None) -> bool:
        """Whether a slot is known."""
        return slot is not None and slot in self.slots

    def usual(self, slot: int | None) -> Floats:
        """The usual strength in a slot, or over all slots when it is None or not known; shape (k,)."""
        if not self.knows(slot):
            return self.anywhere
        found: Floats = self.by_slot[self.slots == slot][0]
        return found


def _usual(table: Floats, least: Floats | float = 0.0) -> Floats:
    """The median plus three standard deviations, each of which is some at least."""
    middle: Floats = np.median(table, axis=0)
    usual: Floats = middle + 3 * np.maximum(_spread(table - middle), least)
    return usual


def _spread(deviations: Floats | list[Floats]) -> Floats:
    """The robust standard deviation of what lies around 0."""
    spread: Floats = _SCALE * np.median(np.abs(deviations), axis=0)
    return spread
