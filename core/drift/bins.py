"""The tests that compare bins: population stability index, Jensen-Shannon distance and chi-square contingency."""

from dataclasses import dataclass

import numpy as np

from core.drift.columns import Floats, Ints
from core.drift.normal import chi_square

_EXPECTED = 8.0
"""A bin of the pooled chi-square holds at least so many expected rows in either window (Cochran 1952 asks for 5; 8 keeps far tails true)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binned:
    """What the bins of k features say; every array has shape (k,), NaN where a window is empty.

    Attributes:
        psi: population stability index on smoothed shares, at least 0.
        psi_excess: without what chance alone gives at these numbers of rows, at least 0.
        js: Jensen-Shannon distance, 0 to 0.8326 (natural logarithm).
        js_excess: the same without chance, at least 0.
        chi2: statistic of the contingency table, Yates-corrected when it is 2 x 2.
        chi2_p: its p-value.
        pooled_p: the p-value after rare bins are pooled, which is trusted at any number of rows.
    """

    psi: Floats
    psi_excess: Floats
    js: Floats
    js_excess: Floats
    chi2: Floats
    chi2_p: Floats
    pooled_p: Floats


def compare(reference: Ints, current: Ints) -> Binned:
    """Compare the bins of k features.

    PSI is taken on shares to which half a row a bin is added, spread as both windows together are spread: an empty bin
    of a small window then does not make it explode, and two equal windows still give exactly 0.

    Args:
        reference: rows a bin, shape (k, b); unused bins 0.
        current: the same of the current window, shape (k, b).
    """
    n, m = reference.sum(axis=1), current.sum(axis=1)
    empty = (n == 0) | (m == 0)
    n, m = np.maximum(n, 1), np.maximum(m, 1)
    both = reference + current
    used = both > 0
    width = used.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = 1 / n + 1 / m
        share = both / (n + m)[:, None]
        psi = _psi((reference, n), (current, m), share, width / 2)
        js_square = _js_square(reference / n[:, None], current / m[:, None])
        chi2 = _chi2(current, both, width, n, m)
        room = np.minimum(chance[:, None] / 8, share * np.log(2)).sum(axis=1) * (width - 1) / np.maximum(width, 1)
    freedom = np.maximum(width - 1, 0)
    raw_p = chi_square(np.where(empty, 0.0, chi2), freedom)
    scarce = np.where(used, both, np.inf).min(axis=1, initial=np.inf) * np.minimum(n, m) < _EXPECTED * (n + m)
    pooled_p = raw_p.copy()
    for k in np.flatnonzero(scarce & ~empty).tolist():
        pooled_p[k] = _pooled(reference[k], current[k])
    blank = np.where(empty, np.nan, 0.0)
    return Binned(
        psi=psi + blank,
        psi_excess=np.maximum(psi - (width - 1) * chance, 0.0) + blank,
        js=np.sqrt(js_square) + blank,
        js_excess=np.sqrt(np.maximum(js_square - room, 0.0)) + blank,
        chi2=chi2 + blank,
        chi2_p=raw_p + blank,
        pooled_p=np.where(empty, 1.0, pooled_p),
    )


def _psi(reference: tuple[Ints, Ints], current: tuple[Ints, Ints], share: Floats, weight: Floats) -> Floats:
    """The index on smoothed shares; each window is its rows a bin and their sum."""
    prior = weight[:, None] * share
    old, new = ((bins + prior) / (rows + weight)[:, None] for bins, rows in (reference, current))
    terms = np.where(share > 0, (new - old) * np.log(new / old), 0.0)
    total: Floats = terms.sum(axis=1)
    return total


def _js_square(p: Floats, q: Floats) -> Floats:
    middle = (p + q) / 2
    terms = [np.where(x > 0, x * np.log(x / middle), 0.0).sum(axis=1) for x in (p, q)]
    square: Floats = np.maximum(terms[0] + terms[1], 0.0) / 2
    return square


def _chi2(current: Ints, both: Ints, width: Ints, n: Ints, m: Ints) -> Floats:
    expected = both * (m / (n + m))[:, None]
    gap = np.abs(current - expected)
    two = width == 2  # noqa: PLR2004 - Yates corrects a 2 x 2 table
    if two.any():
        gap[two] -= np.minimum(0.5, gap[two])
    value: Floats = np.where(both > 0, gap * gap / expected, 0.0).sum(axis=1) * ((n + m) / n)
    return value


def _pooled(reference: Ints, current: Ints) -> float:
    """Chi-square after neighbouring bins are pooled until each group expects `_EXPECTED` rows in either window.

    The order of the bins was set by the reference alone. Were they pooled from the rarest on, the groups would follow
    the window's own ups and downs, and undrifted windows would alarm ten times too often.
    """
    both = reference + current
    small = min(reference.sum(), current.sum()) / both.sum()
    starts, held = [0], 0.0
    for k, expected in enumerate((both * small).tolist()):
        if held >= _EXPECTED:
            starts.append(k)
            held = 0.0
        held += expected
    if held < _EXPECTED and len(starts) > 1:
        starts.pop()
    table = np.add.reduceat(np.stack((reference, current)), starts, axis=1)
    width = np.array([len(starts)])
    n, m = table.sum(axis=1, keepdims=True)
    value = _chi2(table[1:], table[:1] + table[1:], width, n, m)
    return float(chi_square(value, width - 1)[0])
