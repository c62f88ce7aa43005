"""Every statistic equals scipy's, or its formula written out, on values with and without ties."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import spatial, special, stats

from core.drift import FeatureDrift, Profile, count, score, score_counts
from core.drift.bins import Bins
from core.drift.normal import decile_shares, shift_of_rank, two_sided
from core.drift.sample import Sample, around
from core.drift.statistics import METHODS, chi2, ks, tvd, wasserstein
from core.statistics import STATISTICS

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


def scipy_wasserstein(reference: Floats, current: Floats) -> float:
    return float(stats.wasserstein_distance(reference, current) / (reference.std() or 1.0))


def literal_psi(table: NDArray[np.int64]) -> float:
    """On shares to which half a row a bin is added, spread as both windows together are spread."""
    prior = table.sum(axis=0) / table.sum() * table.shape[1] / 2
    old, new = (table + prior) / (table + prior).sum(axis=1, keepdims=True)
    return float(special.rel_entr(old, new).sum() + special.rel_entr(new, old).sum())


def scipy_js(table: NDArray[np.int64]) -> float:
    return float(spatial.distance.jensenshannon(*shares(table)))


def scipy_chi2(table: NDArray[np.int64]) -> float:
    return float(stats.chi2_contingency(table).statistic) if table.shape[1] > 1 else 0.0


def scipy_tvd(table: NDArray[np.int64]) -> float:
    return float(spatial.distance.cityblock(*shares(table)) / 2)


def shares(table: NDArray[np.int64]) -> Floats:
    return table / table.sum(axis=1, keepdims=True)


OF_VALUES: dict[str, Callable[[Floats, Floats], float]] = {"ks": scipy_ks, "wasserstein": scipy_wasserstein}
OF_BINS: dict[str, Callable[[NDArray[np.int64]], float]] = {
    "psi": literal_psi,
    "js": scipy_js,
    "chi2": scipy_chi2,
    "tvd": scipy_tvd,
}


def test_every_statistic_is_compared_with_another_source() -> None:
    assert OF_VALUES.keys() == {name for name, method in METHODS.items() if method.of_numbers}
    assert OF_BINS.keys() == {name for name, method in METHODS.items() if method.of_bins}


def scored(reference: Any, current: Any) -> FeatureDrift:
    return score(Profile.fit({"x": reference}), {"x": current}, statistics=tuple(STATISTICS))["x"]


@pytest.mark.parametrize("shift", [0.0, 0.05, 2.0])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (40, 30), (3000, 3000), (5000, 700), (700, 5000), (20000, 19999)])
@pytest.mark.parametrize("kind", SAMPLES)
def test_numeric_features_are_compared_as_scipy_compares_them(kind: str, n: int, m: int, shift: float) -> None:
    rng = np.random.default_rng([n, m])
    reference, current = SAMPLES[kind](rng, n), SAMPLES[kind](rng, m) + shift
    found = scored(reference, current)
    for name, known in OF_VALUES.items():
        assert found.tests[name].value == close(known(reference, current)), name
    table = np.array([found.reference, found.current])
    assert_bins_equal(found, table[:, table.sum(axis=0) > 0])


def test_categories_are_compared_as_scipy_compares_them() -> None:
    rng = np.random.default_rng(4)
    reference, current = rng.choice(list("abcdef"), 4000), rng.choice(list("bcdefg"), 900)
    found = scored(reference, current)
    names = sorted(set(reference) | set(current))
    table = np.array([[np.sum(side == name) for name in names] for side in (reference, current)])
    assert_bins_equal(found, table)
    assert {name: found.tests[name].value for name in OF_VALUES} == dict.fromkeys(OF_VALUES)


def test_two_categories_are_corrected_as_scipy_corrects_them() -> None:
    assert_bins_equal(scored(["a", "b"] * 50, ["a"] * 40 + ["b"] * 20), np.array([[50, 50], [40, 20]]))


def assert_bins_equal(found: FeatureDrift, table: NDArray[np.int64]) -> None:
    for name, known in OF_BINS.items():
        assert found.tests[name].value == pytest.approx(known(table), rel=1e-12, abs=1e-9), name
    if table.shape[1] > 1:
        p_value = stats.chi2_contingency(table).pvalue
        assert found.tests["chi2"].p_value == pytest.approx(p_value, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize(("n", "m"), [(1000, 400), (200, 50), (5000, 5000)])
@pytest.mark.parametrize("sizes", [[1] * 10, [50, 30, 10, 5, 4, 1], [900, *[1] * 100]], ids=["even", "few", "rare"])
def test_chance_gives_the_total_variation_that_is_taken_off(n: int, m: int, sizes: list[int]) -> None:
    rng = np.random.default_rng([n, m])
    drawn = np.array(sizes) / sum(sizes)
    bins = Bins.of(rng.multinomial(n, drawn, 2000), rng.multinomial(m, drawn, 2000))
    values = np.abs(shares(bins.reference) - shares(bins.current)).sum(axis=1) / 2
    assert tvd.by_chance(bins).mean() == pytest.approx(values.mean(), rel=0.1)


values = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e6, 1e6, allow_subnormal=False))
samples = st.lists(values, min_size=1, max_size=120).map(lambda found: np.sort(np.array(found)))


@given(reference=samples, current=samples, cells=st.integers(2, 40))
def test_any_samples_are_compared_as_scipy_compares_them(reference: Floats, current: Floats, cells: int) -> None:
    found = score(Profile.fit({"x": reference}, cells=cells), {"x": current})["x"]
    scale = max(1.0, np.abs(reference).max(), np.abs(current).max())
    assert found.tests["ks"].value == close(scipy_ks(reference, current))
    distance = wasserstein.distance(reference, current)
    assert distance == pytest.approx(stats.wasserstein_distance(reference, current), rel=1e-12, abs=1e-12 * scale)


@given(reference=samples, current=samples, cut=st.integers(0, 119))
def test_ks_does_not_depend_on_where_it_is_cut(reference: Floats, current: Floats, cut: int) -> None:
    place = reference[min(cut, reference.size - 1) :][:1]
    parted = ks.exact(Sample.cut(reference, place), current, around(current.searchsorted(place), current.size))
    assert parted == ks.exact(Sample.cut(reference, reference[:0]), current, np.array([0, current.size]))


def test_infinities_count_for_ks_and_not_for_wasserstein() -> None:
    rng = np.random.default_rng(5)
    reference, current = rng.normal(size=500), rng.normal(size=400)
    reference[:20], reference[20:50], current[:90] = np.inf, -np.inf, -np.inf
    found = score(Profile.fit({"x": reference}), {"x": current})["x"]
    assert found.tests["ks"].value == close(scipy_ks(reference, current))
    finite = [side[np.isfinite(side)] for side in (reference, current)]
    expected = stats.wasserstein_distance(*finite) / finite[0].std()
    assert found.tests["wasserstein"].value == close(expected)
    counted = score_counts(Profile.fit({"x": reference}), count(Profile.fit({"x": reference}), {"x": current}))["x"]
    assert counted.tests["ks"].value == pytest.approx(found.tests["ks"].value, abs=counted.tests["ks"].error + 1e-12)
    assert counted.tests["wasserstein"].value == pytest.approx(expected, abs=counted.tests["wasserstein"].error)


@pytest.mark.parametrize("rows", [250, 1000, 100_000])
@pytest.mark.parametrize("root", [0.3, 0.6, 1.0, 1.36, 2.0, 2.6])
def test_the_kolmogorov_p_value_is_within_four_percent(rows: int, root: float) -> None:
    distance = root / np.sqrt(rows)
    [found] = ks.tail(np.array([distance]), np.array([float(rows)]))
    assert found == pytest.approx(stats.kstwo.sf(distance, rows), rel=0.04)


@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 10, 57, 400, 1001])
@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.9, 1.0, 1.5, 3.0])
def test_the_chi_square_p_value_equals_scipy(freedom: int, ratio: float) -> None:
    [found] = chi2.tail(np.array([freedom * ratio]), np.array([freedom]))
    assert found == pytest.approx(special.chdtrc(freedom, freedom * ratio), rel=1e-10, abs=1e-300)


def test_no_freedom_and_no_values_are_no_evidence() -> None:
    assert chi2.tail(np.array([0.0, 3.0]), np.array([0, 0])).tolist() == [1.0, 1.0]
    assert chi2.tail(np.zeros(0), np.zeros(0, dtype=np.int64)).size == 0


def test_the_two_sided_p_value_equals_scipy() -> None:
    z = np.array([-4.0, -1.0, 0.0, 2.5])
    assert two_sided(z) == pytest.approx(2 * stats.norm.sf(np.abs(z)), rel=1e-12)


@pytest.mark.parametrize("shift", [0.05, 0.2, 1.0, 3.0])
def test_a_shift_in_sd_is_what_scipys_normal_says(shift: float) -> None:
    assert shift_of_rank(np.array([stats.norm.cdf(-shift / np.sqrt(2))]))[0] == pytest.approx(-shift, abs=1e-3)
    assert METHODS["ks"].at(shift) == pytest.approx(2 * stats.norm.cdf(shift / 2) - 1, abs=1e-6)
    edges = np.concatenate(([-np.inf], stats.norm.ppf(np.arange(1, 10) / 10), [np.inf]))
    known = np.diff(stats.norm.cdf(edges - shift))
    assert decile_shares()[round(shift * 100)] == pytest.approx(known, abs=1e-12)
    even = np.full(10, 0.1)
    assert METHODS["js"].at(shift) == pytest.approx(spatial.distance.jensenshannon(even, known), abs=1e-9)
    assert METHODS["tvd"].at(shift) == pytest.approx(spatial.distance.cityblock(even, known) / 2, abs=1e-9)
    psi = special.rel_entr(even, known).sum() + special.rel_entr(known, even).sum()
    assert METHODS["psi"].at(shift) == pytest.approx(psi, abs=1e-9)
    assert METHODS["wasserstein"].at(shift) == pytest.approx(shift)
