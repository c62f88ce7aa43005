"""Joint drift: features that stay what they were, each by itself, and no longer go together as they did.

Some rows of the window are turned into ranks, column by column, so that drift of single features is not seen a second
time. The correlations of all pairs are compared (`core.drift.pairs`), corrected for their number, for dependent rows and for how much they vary
within the reference. They name the pairs. A classifier (`core.drift.classifier`) finds what is no correlation; it is asked only where no
pair and no feature moved.

What the reference says is worked out once, when a profile is fitted or read.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from core.drift import classifier, pairs
from core.drift.columns import Column, Columns, Floats, array, measured, spell_all
from core.drift.pairs import PairChange, Pairs
from core.drift.ranks import Ranked, Singles

ROWS = 1000
"""Rows of a window that are looked at, at most."""
MOST = 100
"""Features that are looked at together, at most: those that go together most in the reference."""
FEWEST = 500
"""With fewer rows in either window nothing is said."""
_LEARNED = 20_000  # rows of a reference
_SMALLEST_APART = 0.1  # sd between the classifier's mean scores of both windows
_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class JointDrift:
    """What is said of how features go together.

    Attributes:
        drifted: the verdict.
        p_value: the chance of so much evidence without drift, corrected for the number of pairs and for the classifier.
        q_value: the same among those of the features (Benjamini and Hochberg).
        pairs: those whose correlation changed certainly and enough, the most certain first; at most 10.
        auc: how well a classifier tells the windows apart by their ranks: the chance that it scores a row of the current
            window higher than one of the reference, 0.5 where it can not.
        rows: of the reference and of the current window that were looked at.
    """

    drifted: bool
    p_value: float
    q_value: float
    pairs: tuple[PairChange, ...]
    auc: float
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What two samples say, before it is judged among the features.

    Attributes:
        p_value: corrected for the number of pairs and for the classifier.
        enough: whether the change is as large as matters.
        pairs: those that changed, the most certain first.
        auc: of the classifier.
        rows: of both samples.
    """

    p_value: float
    enough: bool
    pairs: tuple[PairChange, ...]
    auc: float
    rows: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointReference:
    """How k features of a reference go together.

    Attributes:
        names: the features, numeric ones first.
        origins: by numeric feature what its values are measured from: 0 but for integers beyond 2^53.
        middle: where the values of each feature lie, so that 24 bits tell them apart; shape (k,).
        scale: how far they reach from there, above 0; shape (k,).
        pairs: how every two of them go together.
        classes: what the classifier knows of the first ones.
    """

    names: tuple[str, ...]
    origins: Mapping[str, int]
    middle: Floats
    scale: Floats
    pairs: Pairs
    classes: classifier.Reference

    @classmethod
    def learn(cls, columns: Columns, names: Iterable[str], origins: Mapping[str, int]) -> Self:
        """Learn from the rows of a reference in the order of time.

        Args:
            columns: a column by feature name, all of one length.
            names: the features that are looked at, numeric ones first; of too many those that go together most.
            origins: by numeric feature what its values are measured from; the other features are categories.
        """
        listed = list(names)
        values = _values(columns, listed, origins, _LEARNED)
        if len(listed) > MOST:
            chosen = _closest(values[:, evenly(values.shape[1], ROWS)])
            listed, values = [listed[k] for k in chosen], values[chosen]
        finite = np.where(np.isfinite(values), values, 0.0)
        middle = np.median(finite, axis=1) if values.size else np.zeros(len(listed))
        with np.errstate(over="ignore"):
            scale = np.abs(finite - middle[:, None]).max(axis=1, initial=0.0)
        scale = np.where((scale > 0) & np.isfinite(scale), scale, 1.0)
        few = slice(classifier.FEATURES)
        some = values[few, evenly(values.shape[1], classifier.ROWS)]
        return cls(
            names=tuple(listed),
            origins={name: origins[name] for name in listed if name in origins},
            middle=middle,
            scale=scale,
            pairs=Pairs.learn(Ranked.of(_scaled(values, middle, scale)).scores),
            classes=classifier.Reference.learn(_scaled(some, middle[few], scale[few])),
        )

    @property
    def fingerprint(self) -> str:
        """Names the features and where their values are placed: samples of one fingerprint may be compared."""
        digest = hashlib.blake2b(repr(self.names).encode(), digest_size=4)
        digest.update(self.middle.tobytes())
        digest.update(self.scale.tobytes())
        return digest.hexdigest()

    def only(self, names: tuple[str, ...]) -> Self:
        """The same of some of the features, in the same order."""
        if names == self.names:
            return self
        at = [self.names.index(name) for name in names]
        few = [k for k in at if k < classifier.FEATURES]
        return replace(
            self,
            names=names,
            middle=self.middle[at],
            scale=self.scale[at],
            pairs=self.pairs.only(at),
            classes=self.classes.only(few),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JointSample:
    """Some rows of a window, in the order of time.

    Attributes:
        names: the features, in the order of the reference.
        places: how far each value lies from the middle of the reference, over its scale; NaN where missing; shape (features, rows).
    """

    names: tuple[str, ...]
    places: Singles

    def without(self, names: Collection[str]) -> Self:
        """The same without some of the features."""
        if not names:
            return self
        kept = [k for k, name in enumerate(self.names) if name not in names]
        return type(self)(names=tuple(self.names[k] for k in kept), places=self.places[kept])


def evenly(size: int, most: int) -> NDArray[np.int64]:
    """Which rows of a window are looked at: evenly spaced ones, or all."""
    count = min(size, most)
    rows: NDArray[np.int64] = (2 * np.arange(count) + 1) * size // (2 * max(count, 1))
    return rows


def sample(reference: JointReference, columns: Columns, *, most: int = ROWS) -> JointSample:
    """Some rows of a window.

    Args:
        reference: whose features are looked at, those that are among the columns.
        columns: a column by feature name, all of one length.
        most: at most so many rows, evenly spaced ones.
    """
    kept = [k for k, name in enumerate(reference.names) if name in columns]
    names = tuple(reference.names[k] for k in kept)
    values = _values(columns, names, reference.origins, most)
    with np.errstate(over="ignore"):  # what is too large becomes infinite
        places = _scaled(values, reference.middle[kept], reference.scale[kept]).astype(np.float32)
    return JointSample(names=names, places=places)


def code_sql(text: str) -> str:
    """`_hash` in GoogleSQL, of an expression of a string."""
    return f"CAST(CONCAT('0x', SUBSTR(TO_HEX(MD5({text})), 1, 4)) AS INT64)"


def compare(
    reference: JointReference,
    current: JointSample,
    design: Mapping[str, float],
    certain: float,
    *,
    by_classifier: bool = True,
) -> Evidence | None:
    """Compare how features go together in two windows; None where there are too few rows or features.

    Args:
        reference: of the reference.
        current: of the window, of the same features or some of them.
        design: by feature the design effect of the comparison of such samples.
        certain: the largest corrected p-value of a pair that is named.
        by_classifier: whether the classifier is tried where no pair moved: only where no feature has moved by itself, which
            it would find as well.
    """
    names = current.names
    rows = reference.pairs.rows, current.places.shape[1]
    if min(rows) < FEWEST or len(names) < 2:  # noqa: PLR2004 - a pair
        return None
    known = reference.only(names)
    effects = np.array([design[name] for name in names])
    ranked = Ranked.of(current.places)
    found, p_pairs, effect = pairs.compare(known.pairs, names, ranked.scores, effects, certain / 2)
    distance, p_apart = 0.0, 1.0
    if by_classifier and not found:
        distance, p_apart = classifier.compare(known.classes, ranked.first(len(known.classes.places)), effect)
    told = p_apart <= certain / 2 and distance >= _SMALLEST_APART
    return Evidence(
        p_value=min(2 * min(p_pairs, p_apart), 1.0),
        enough=bool(found) or told,
        pairs=found[:_NAMED],
        auc=classifier.auc(distance),
        rows=rows,
    )


def _values(columns: Columns, names: Iterable[str], origins: Mapping[str, int], most: int) -> Floats:
    """Numbers, or hashes of categories, of evenly spaced rows; shape (features, rows)."""
    listed = list(names)
    at = evenly(len(columns[listed[0]]) if listed else 0, most)
    found = np.empty((len(listed), at.size))
    for k, name in enumerate(listed):
        values = _at(name, columns[name], at)
        if name not in origins:
            found[k] = _hashed(values)
        else:
            # Floats are copied as they are: fifty calls less.
            is_plain = values.dtype.kind == "f" and not origins[name]
            found[k] = values if is_plain else measured(name, values, origins[name])
    return found


def _at(name: str, column: Column, rows: NDArray[np.int64]) -> NDArray[Any]:
    if isinstance(column, np.ndarray):
        return column if rows.size == len(column) else column[rows]
    return array(name, column)[rows]


def _hashed(values: NDArray[Any]) -> list[int]:
    """Categories by a hash: were it by their frequency in the reference, rare ones would stand where chance has put them."""
    listed = spell_all(values.tolist())
    codes = {one: _hash(one) for one in set(listed)}
    return [codes[one] for one in listed]


def _hash(category: str) -> int:
    return int.from_bytes(hashlib.md5(category.encode(errors="replace"), usedforsecurity=False).digest()[:2])


def _scaled(values: Floats, middle: Floats, scale: Floats) -> Floats:
    with np.errstate(over="ignore"):
        found: Floats = values - middle[:, None]
        found /= scale[:, None]
    return found


def _closest(values: Floats) -> list[int]:
    """The features that go together most with any other one, in their order."""
    scores = Ranked.of(values).scores
    related = np.abs(scores @ scores.T)
    np.fill_diagonal(related, 0.0)
    return sorted(np.argsort(-related.max(axis=1), kind="stable")[:MOST].tolist())


NONE = JointReference.learn({}, (), {})
"""No features, no rows."""
