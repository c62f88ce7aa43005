"""Every test equals scipy's, on values with and without ties."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import spatial, special, stats

from core.drift import FeatureDrift, Profile, count, score, score_counts
from core.drift.exact import Sample, around, kolmogorov_smirnov, wasserstein
from core.drift.normal import LARGEST, chi_square, kolmogorov, shift_of_js, shift_of_ks, shift_of_rank, two_sided

Floats = NDArray[np.float64]


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-12, abs=1e-12)


SAMPLES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, n: rng.normal(100, 7, n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "ties": lambda rng, n: np.round(rng.normal(0, 2, n)),
    "many ties": lambda rng, n: np.round(rng.normal(0, 2000, n)),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.7, 0.0, rng.exponential(1, n)),
    "two values": lambda rng, n: rng.integers(0, 2, n).astype(float),
    "bounded": lambda rng, n: rng.beta(0.3, 0.3, n),
}


def scipy_ks(reference: Floats, current: Floats) -> float:
    method = "exact" if reference.size == current.size == 1 else "asymp"
    return float(stats.ks_2samp(reference, current, method=method).statistic)


@pytest.mark.parametrize("shift", [0.0, 0.05, 2.0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (40, 30), (3000, 3000), (5000, 700), (700, 5000), (20000, 19999)])
@pytest.mark.parametrize("kind", SAMPLES)
def test_ks_and_wasserstein_equal_scipy(kind: str, n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng([n, m])
    reference, current = SAMPLES[kind](rng, n), SAMPLES[kind](rng, m) + shift
    found = score(Profile.fit({"x": reference}), {"x": current})["x"]
    assert found.ks.value == close(scipy_ks(reference, current))
    sd = reference.std() or 1.0
    assert found.wasserstein.value == close(stats.wasserstein_distance(reference, current) / sd)


@pytest.mark.parametrize("shift", [0.0, 0.05, 2.0])
@pytest.mark.parametrize(("n", "m"), [(40, 30), (5000, 700), (20000, 19999)])
@pytest.mark.parametrize("kind", SAMPLES)
def test_psi_js_and_chi_square_equal_scipy(kind: str, n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng([n, m])
    reference, current = SAMPLES[kind](rng, n), SAMPLES[kind](rng, m) + shift
    found = score(Profile.fit({"x": reference}), {"x": current})["x"]
    table = np.array([found.reference, found.current])
    assert_equals_scipy(found, table[:, table.sum(axis=0) > 0])


def test_categories_equal_scipy() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.choice(list("abcdef"), 4000), rng.choice(list("bcdefg"), 900)
    found = score(Profile.fit({"x": reference}), {"x": current})["x"]
    names = sorted(set(reference) | set(current))
    table = np.array([[np.sum(side == name) for name in names] for side in (reference, current)])
    assert_equals_scipy(found, table)
    assert found.ks.value is None
    assert found.wasserstein.value is None


def test_two_categories_are_corrected_as_scipy_corrects_them() -> None:
    found = score(Profile.fit({"x": ["a", "b"] * 50}), {"x": ["a"] * 40 + ["b"] * 20})["x"]
    assert_equals_scipy(found, np.array([[50, 50], [40, 20]]))


def assert_equals_scipy(found: FeatureDrift, table: NDArray[np.int64]) -> None:
    shares = table / table.sum(axis=1, keepdims=True)
    assert found.js.value == pytest.approx(spatial.distance.jensenshannon(*shares), rel=1e-12, abs=1e-9)
    if table.shape[1] > 1:
        known = stats.chi2_contingency(table)
        assert found.chi2.value == close(known.statistic)
        assert found.chi2.p_value == pytest.approx(known.pvalue, rel=1e-10, abs=1e-300)
    prior = table.sum(axis=0) / table.sum() * table.shape[1] / 2
    old, new = (table + prior) / (table + prior).sum(axis=1, keepdims=True)
    index = special.rel_entr(old, new).sum() + special.rel_entr(new, old).sum()
    assert found.psi.value == pytest.approx(index, rel=1e-12, abs=1e-14)


values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_subnormal=False))
samples = st.lists(values, min_size=1, max_size=120).map(lambda found: np.sort(np.array(found)))


@given(reference=samples, current=samples, cells=st.integers(2, 40))
def test_any_samples_are_compared_as_scipy_compares_them(reference: Floats, current: Floats, cells: int) -> None:
    found = score(Profile.fit({"x": reference}, cells=cells), {"x": current})["x"]
    scale = max(1.0, np.abs(reference).max(), np.abs(current).max())
    assert found.ks.value == close(scipy_ks(reference, current))
    distance = wasserstein(reference, current)
    assert distance == pytest.approx(stats.wasserstein_distance(reference, current), rel=1e-12, abs=1e-12 * scale)


@given(reference=samples, current=samples, cut=st.integers(0, 119))
def test_ks_does_not_depend_on_where_it_is_cut(reference: Floats, current: Floats, cut: int) -> None:
    place = reference[min(cut, reference.size - 1) :][:1]
    parted = kolmogorov_smirnov(
        Sample.cut(reference, place), current, around(current.searchsorted(place), current.size)
    )
    assert parted == kolmogorov_smirnov(Sample.cut(reference, reference[:0]), current, np.array([0, current.size]))


def test_infinities_count_for_ks_and_not_for_wasserstein() -> None:
    rng = np.random.default_rng(5)
    reference, current = rng.normal(size=500), rng.normal(size=400)
    reference[:20], reference[20:50], current[:90] = np.inf, -np.inf, -np.inf
    found = score(Profile.fit({"x": reference}), {"x": current})["x"]
    assert found.ks.value == close(scipy_ks(reference, current))
    finite = [side[np.isfinite(side)] for side in (reference, current)]
    expected = stats.wasserstein_distance(*finite) / finite[0].std()
    assert found.wasserstein.value == close(expected)
    counted = score_counts(Profile.fit({"x": reference}), count(Profile.fit({"x": reference}), {"x": current}))["x"]
    assert counted.ks.value == pytest.approx(found.ks.value, abs=counted.ks.error + 1e-12)
    assert counted.wasserstein.value == pytest.approx(expected, abs=counted.wasserstein.error)


@pytest.mark.parametrize("rows", [250, 1000, 100_000])
@pytest.mark.parametrize("root", [0.3, 0.6, 1.0, 1.36, 2.0, 2.6])
def test_the_kolmogorov_p_value_is_within_four_percent(rows: int, root: float) -> None:
    distance = root / np.sqrt(rows)
    [found] = kolmogorov(np.array([distance]), np.array([float(rows)]))
    assert found == pytest.approx(stats.kstwo.sf(distance, rows), rel=0.04)


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 10, 57, 400, 1001])
@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.9, 1.0, 1.5, 3.0])
def test_the_chi_square_p_value_equals_scipy(freedom: int, ratio: float) -> None:
    [found] = chi_square(np.array([freedom * ratio]), np.array([freedom]))
    assert found == pytest.approx(special.chdtrc(freedom, freedom * ratio), rel=1e-10, abs=1e-300)


def test_no_freedom_and_no_values_are_no_evidence() -> None:
    assert chi_square(np.array([0.0, 3.0]), np.array([0, 0])).tolist() == [1.0, 1.0]
    assert chi_square(np.zeros(0), np.zeros(0, dtype=np.int64)).size == 0


def test_the_two_sided_p_value_equals_scipy() -> None:
    z = np.array([-4.0, -1.0, 0.0, 2.5])
    assert two_sided(z) == pytest.approx(2 * stats.norm.sf(np.abs(z)), rel=1e-12)


@pytest.mark.parametrize("shift", [0.05, 0.2, 1.0, 3.0])
def test_a_shift_in_sd_is_read_back_from_each_distance(shift: float) -> None:
    assert shift_of_ks(np.array([2 * stats.norm.cdf(shift / 2) - 1]))[0] == pytest.approx(shift, abs=1e-3)
    assert shift_of_rank(np.array([stats.norm.cdf(-shift / np.sqrt(2))]))[0] == pytest.approx(-shift, abs=1e-3)
    edges = np.concatenate(([-np.inf], stats.norm.ppf(np.arange(1, 10) / 10), [np.inf]))
    shares = np.diff(stats.norm.cdf(edges)), np.diff(stats.norm.cdf(edges - shift))
    assert shift_of_js(np.array([spatial.distance.jensenshannon(*shares)]))[0] == pytest.approx(shift, abs=1e-3)


def test_what_cannot_be_told_apart_is_the_largest_shift() -> None:
    assert shift_of_ks(np.array([1.0])).tolist() == [LARGEST]
    assert shift_of_js(np.array([np.nan])).tolist() == [0.0]
