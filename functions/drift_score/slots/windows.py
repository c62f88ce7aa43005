"""A window that was counted by slots, as it is read: its rows by cell, and some of them whole."""

from dataclasses import dataclass
from datetime import datetime

from core.drift.slots import FeatureCells
from functions.adapters.ports import Data
from functions.drift_score.slots.packed import unpacked
from functions.drift_score.slots.samples import SampledRows

WHOLE = -2
"""The number of the feature that stands for the rows as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCells:
    """A window of a model that was counted by slots.

    Attributes:
        model: the name of the model.
        profile: the name of the profile that it was counted by.
        newest: the time of its newest row.
        rows: how many it has.
        features: its features with rows.
        counted: how many rows each of them has.
        samples: some of its rows, in the order of time.
    """

    model: str
    profile: str
    newest: datetime | None
    rows: int
    features: tuple[FeatureCells, ...]
    counted: tuple[int, ...]
    samples: tuple[SampledRows, ...] = ()


def window_of(row: Data) -> WindowCells:
    """A window from a row of `read_counted.sql`."""
    features = [one for one in row["features"] if one["feature"] >= 0]
    return WindowCells(
        model=row["model"],
        profile=row["profile"],
        newest=row["newest"],
        rows=sum(one["n_rows"] for one in row["features"] if one["feature"] == WHOLE),
        features=tuple(map(_feature, features)),
        counted=tuple(one["n_rows"] for one in features),
        samples=tuple(map(_sample, row["parts"] or ())),
    )


def _feature(row: Data) -> FeatureCells:
    return FeatureCells(
        feature=row["feature"],
        rows=unpacked(row["counts"], f">u{row['width']}", 1, "ops.window_counts.cells")[:, 0],
        sums=(row["low_total"], row["middle_total"], row["high_total"]),
        lowest=row["lowest"],
        highest=row["highest"],
    )


def _sample(row: Data) -> SampledRows:
    return SampledRows(features=tuple(sorted(map(int, row["sample_features"].split(",")))), text=row["sample"])
