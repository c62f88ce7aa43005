"""What is kept of a reference window, fitted once a model version."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift.calibration import Calibration
from core.drift.categories import GROUPS, Categories
from core.drift.cells import Constants, Prepared, prepare
from core.drift.columns import (
    Columns,
    Floats,
    Ints,
    ProfileError,
    array,
    holds,
    is_numeric,
    measured,
    ordered,
    origin_of,
    rows,
    tally,
)
from core.drift.dependence import Codes, Dependence, category_codes, numeric_codes
from core.drift.exclusion import LeftOut, is_temporal, why_categories, why_numbers
from core.drift.grid import Grid, cut
from core.drift.joint import NONE as NOT_TOGETHER
from core.drift.joint import JointReference
from core.drift.outline import Outline
from core.drift.report import DriftReport
from core.drift.sample import Samples, Sketch

Numbers = tuple[Floats, int]
"""Ascending values without those that are missing, and how many these are."""
Tally = tuple[dict[str, int], int]
"""Rows by category, and how many are missing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentReference:
    """What the rows of one segment looked like in the reference.

    Attributes:
        by: the column that parts the rows.
        segment: its value.
        rows: of the segment.
        bins: rows by bin of each feature, numeric features first.
    """

    by: str
    segment: str
    rows: int
    bins: tuple[Ints, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """A reference window, as it is compared with.

    Attributes:
        names: the features, in the order they were given.
        rows: of the reference window.
        grid: its numeric features.
        categorical: its categorical features.
        segments: what the segments of the reference looked like, where they were asked for.
        calibration: how far features move when nothing is wrong, where that was learnt.
        samples: reference values by numeric feature, cut at its edges; none in a compact profile.
        fingerprint: names the cells, where values are clipped, and the categories: counts of one fingerprint may be added and scored.
        prepared: worked out of the grid.
        dependence: how alike the rows of the reference are that follow each other.
        labels: the names of the bins, numeric features first, then categorical ones.
        outline: how its numeric features are drawn.
        left_out: why, by the name of each feature that is not compared; constants are counted nevertheless.
        joint: how its features go together.
    """

    names: tuple[str, ...]
    rows: int
    grid: Grid
    categorical: tuple[Categories, ...]
    samples: Samples
    fingerprint: str
    prepared: Prepared
    dependence: Dependence
    labels: tuple[tuple[str, ...], ...]
    outline: Outline
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    joint: JointReference = NOT_TOGETHER
    segments: tuple[SegmentReference, ...] = ()
    calibration: Calibration | None = None

    @classmethod
    def fit(
        cls,
        columns: Columns,
        *,
        categorical: Iterable[str] = (),
        always: Iterable[str] = (),
        together: Iterable[str] | None = None,
        cells: int = 1024,
        bins: int = 10,
        categories: int = 1000,
        keep: int = 1_000_000,
        population: int | None = None,
    ) -> Self:
        """Fit a profile to a reference window.

        Args:
            columns: a column by feature name, all of one length, the rows in the order of time, so that it is seen how
                alike those are that follow each other. Strings and booleans are categories.
            categorical: names of features whose numbers are categories.
            always: names of features that are compared, be they identifiers, timestamps or constants.
            together: names of features that are compared as to how they go together; all by default.
            cells: at most how many cells a numeric feature is cut into, at least 2: the finer, the closer the tests
                from counts.
            bins: at most how many bins of a numeric feature are compared, at least 2.
            categories: at most how many categories of a feature are kept by name, at least 1; the others are counted by group.
            keep: at most how many values of a numeric feature are kept for exact tests; 0 keeps none, and more rows
                than that are kept as a sketch, see `sample.Sample`, whose error is stated with the statistics.
            population: how many rows the window has where the columns hold a sample of them.

        Raises:
            ProfileError: an argument is out of its range, a column is not what it must be.

        >>> profile = Profile.fit({"age": [31.0, 45.0, 52.0], "plan": ["a", "b", "a"]})
        >>> profile.names, profile.rows
        (('age', 'plan'), 3)
        """
        chosen = frozenset(categorical)
        _check(columns, chosen, cells=cells, bins=bins, categories=categories, keep=keep)
        size = rows(columns)
        arrays = {name: array(name, column) for name, column in columns.items()}
        numbers, tallies, origins, left_out = _parted(arrays, chosen, frozenset(always))
        grid = cut(numbers, origins, cells=cells, bins=bins)
        kinds = {name: "" if name in chosen else _kind(arrays[name]) for name in tallies}
        found = tuple(Categories.fit(name, *one, limit=categories, holds=kinds[name]) for name, one in tallies.items())
        wanted = frozenset(columns if together is None else together)
        pairs = [name for name in (*numbers, *tallies) if name in wanted and name not in left_out]
        kept = tuple(Sketch.of(values, keep) for values, _ in numbers.values()) if keep else ()
        return cls.assemble(
            names=tuple(columns),
            rows=size,
            grid=grid,
            categorical=found,
            sketches=kept,
            fingerprint=_fingerprint(grid, found),
            dependence=Dependence.learn(_codes(columns, numbers, origins, found), population or size),
            left_out=left_out,
            together=JointReference.learn(arrays, pairs, origins),
            outline=Outline.of(grid),
            constants=Constants.of(grid),
        )

    @classmethod
    def assemble(
        cls,
        *,
        names: tuple[str, ...],
        rows: int,
        grid: Grid,
        categorical: tuple[Categories, ...],
        sketches: Sequence[Sketch],
        fingerprint: str,
        dependence: Dependence,
        left_out: Mapping[str, LeftOut],
        together: JointReference,
        outline: Outline,
        constants: Constants,
        segments: tuple[SegmentReference, ...] = (),
        calibration: Calibration | None = None,
    ) -> Self:
        """Put a profile together from its parts."""
        return cls(
            names=names,
            rows=rows,
            grid=grid,
            categorical=categorical,
            samples=Samples(sketches=sketches, places=grid.edges_of),
            fingerprint=fingerprint,
            prepared=prepare(grid, constants),
            dependence=dependence,
            labels=_labels(grid, categorical),
            outline=outline,
            left_out=left_out,
            joint=together,
            segments=segments,
            calibration=calibration,
        )

    @property
    def order(self) -> tuple[str, ...]:
        """The features that are counted, in the order of the arrays: numeric ones first."""
        return self.grid.names + tuple(part.name for part in self.categorical)

    def thinned(self, keep: int) -> Self:
        """The same with at most so many values of each numeric feature, as `fit` would have kept them; 0 keeps none, for a compact profile."""
        return replace(self, samples=self.samples.thinned(keep))

    @property
    def independent(self) -> Self:
        """The same as if the rows of the reference were independent: a calibration knows by itself what moves them."""
        return replace(self, dependence=Dependence.none(self.dependence.rows, len(self.order)))

    def calibrated(self, history: Iterable[tuple[int, DriftReport]], *, windows: int = 3) -> Self:
        """The same with what is usual in each slot of the calendar.

        Args:
            history: slots, as from `hour_of_week`, and the reports of past windows in which nothing was wrong, by the
                profile that is `independent`.
            windows: of so many windows at least a slot is known, at least 1.

        Raises:
            ProfileError: there is no window at all.
        """
        return replace(self, calibration=Calibration.learn(history, self.order, windows=windows))


_LEAST = {"cells": 2, "bins": 2, "categories": 1, "keep": 0}


def _check(columns: Columns, categorical: frozenset[str], **numbers: int) -> None:
    """That the arguments of `Profile.fit` are what they must be."""
    for name, value in numbers.items():
        if value < _LEAST[name]:
            raise ProfileError(f"{name}: must be at least {_LEAST[name]}, got {value}")
    if unknown := sorted(categorical - columns.keys()):
        raise ProfileError(f"categorical: must name columns, got {unknown}")


def _parted(
    arrays: Mapping[str, NDArray[Any]], chosen: frozenset[str], always: frozenset[str]
) -> tuple[dict[str, Numbers], dict[str, Tally], dict[str, int], dict[str, LeftOut]]:
    """Columns as numbers and as categories, the origins of the numbers, and why others are not compared; constants are counted."""
    counted = {name: values for name, values in arrays.items() if not is_temporal(values)}
    origins = {
        name: origin_of(values) for name, values in counted.items() if name not in chosen and _holds_numbers(values)
    }
    numbers = {name: ordered(name, arrays[name], origin) for name, origin in origins.items()}
    tallies = {name: tally(name, values) for name, values in counted.items() if name not in numbers}
    left_out = _left_out(arrays, numbers, origins, tallies, always)
    gone = {name for name, why in left_out.items() if why is not LeftOut.CONSTANT}
    numbers = {name: one for name, one in numbers.items() if name not in gone}
    tallies = {name: one for name, one in tallies.items() if name not in gone}
    return numbers, tallies, origins, left_out


def _left_out(
    arrays: Mapping[str, NDArray[Any]],
    numbers: Mapping[str, Numbers],
    origins: Mapping[str, int],
    tallies: Mapping[str, Tally],
    always: frozenset[str],
) -> dict[str, LeftOut]:
    """Why, by the name of each feature that is not compared."""
    found: dict[str, LeftOut | None] = dict.fromkeys(arrays, LeftOut.TIMESTAMP)
    found |= {name: why_numbers(arrays[name], *one, origins[name]) for name, one in numbers.items()}
    found |= {name: why_categories(arrays[name], *one) for name, one in tallies.items()}
    return {
        name: why for name, why in found.items() if why and (name not in always or name not in {*numbers, *tallies})
    }


def _kind(values: NDArray[Any]) -> str:
    """What a categorical column holds; empty where it says nothing about the window's."""
    kind = holds(values)
    return kind if kind in {"text", "booleans"} else ""


def _holds_numbers(values: NDArray[Any]) -> bool:
    return is_numeric(values) or (values.dtype.kind == "O" and not _present(values.tolist()))


def _present(values: Iterable[object]) -> bool:
    return any(value is not None for value in values)


def _codes(
    columns: Columns,
    numbers: Mapping[str, Numbers],
    origins: Mapping[str, int],
    categorical: Iterable[Categories],
) -> list[Codes]:
    """The cell of each row of each feature, numeric features first, for `Dependence`."""
    numeric = [
        numeric_codes(measured(name, columns[name], origins[name]), values) for name, (values, _) in numbers.items()
    ]
    return numeric + [category_codes(array(one.name, columns[one.name]).tolist(), one.values) for one in categorical]


def _labels(grid: Grid, categorical: tuple[Categories, ...]) -> tuple[tuple[str, ...], ...]:
    width = max((len(part.values) for part in categorical), default=0)
    numeric = tuple((*names, "missing", "-inf", "inf") for names in grid.labels)
    return numeric + tuple(
        (*part.values, "new" if part.complete else "other", "missing") + ("",) * (width - len(part.values))
        for part in categorical
    )


def _fingerprint(grid: Grid, categorical: tuple[Categories, ...]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(
        repr(
            (GROUPS, grid.names, grid.origins, grid.edges.shape, [(part.name, part.values) for part in categorical])
        ).encode()
    )
    digest.update(np.ascontiguousarray(grid.edges).tobytes())
    digest.update(np.ascontiguousarray(grid.tails.clip).tobytes())
    return digest.hexdigest()
