"""What is kept of a large reference: small, close, and honest about how far it is off."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.drift import Profile, score
from core.drift.sample import Sketch
from core.drift.storage import dump_profile, load_profile

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]
LARGEST = 900_000

DRAWS: dict[str, Draw] = {
    "Pareto 1.5": lambda rng, n: rng.pareto(1.5, n) + 1,
    "log-normal 2": lambda rng, n: rng.lognormal(0, 2, n),
    "normal": lambda rng, n: rng.normal(size=n),
    "hours": lambda rng, n: rng.integers(0, 24, n).astype(float),
    "80% zeros": lambda rng, n: np.where(rng.random(n) < 0.2, rng.lognormal(2, 1.5, n), 0.0),
    "some infinite": lambda rng, n: np.where(
        rng.random(n) < 0.05, rng.choice([np.inf, -np.inf], n), rng.normal(size=n)
    ),
}


@pytest.mark.parametrize("keep", [500, 2000])
@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_statistics_of_a_sketch_are_off_by_no_more_than_they_say(draw: Draw, keep: int) -> None:
    rng = np.random.default_rng(keep)
    reference, current = draw(rng, 40_000), draw(rng, 15_000) * 1.1
    whole = Profile.fit({"x": reference})
    sketch = load_profile(dump_profile(whole.thinned(keep)))
    true, near = (score(profile, {"x": current})["x"].tests for profile in (whole, sketch))
    assert sketch.samples[0].values.size <= keep + 8
    for name in ("ks", "wasserstein"):
        expected, value = true[name].value, near[name].value
        assert expected is not None
        assert value == pytest.approx(expected, abs=near[name].error + 1e-12)
        assert near[name].error <= (0.02 if keep == 2000 else 0.08) * max(expected, 0.05)
        assert true[name].error == 0


def test_twenty_heavy_tailed_features_fit_into_a_document_with_2_percent_of_error() -> None:
    rng = np.random.default_rng(3)
    columns = {f"f{k}": (DRAWS["Pareto 1.5"] if k % 2 else DRAWS["log-normal 2"])(rng, 60_000) for k in range(20)}
    profile = Profile.fit(columns).thinned(2000)
    assert math.ceil(len(dump_profile(profile)) / 3) * 4 <= LARGEST
    current = {name: rng.permutation(values)[:20_000] * 1.1 for name, values in columns.items()}
    report = score(profile, current)
    for name, values in columns.items():
        found = report[name].tests["wasserstein"]
        expected = stats.wasserstein_distance(values, current[name]) / values.std()
        assert found.value == pytest.approx(expected, rel=0.02)
        assert abs(found.value - expected) <= found.error <= 0.02 * expected


def test_errors_of_a_sketch_of_a_sketch_add_up() -> None:
    values = np.sort(DRAWS["log-normal 2"](np.random.default_rng(4), 30_000))
    once = Sketch.of(values, 3000)
    twice = once.thinned(300)
    assert twice.ks >= once.ks > 0
    assert np.abs(twice.expanded - values).mean() <= twice.wasserstein


def test_a_small_sample_is_kept_as_it_is() -> None:
    values = np.sort(np.random.default_rng(5).normal(size=90))
    sketch = Sketch.of(values, 90)
    assert np.array_equal(sketch.expanded, values)
    assert (sketch.ks, sketch.wasserstein) == (0.0, 0.0)
    infinite = Sketch.of(np.array([-np.inf] * 50 + [np.inf] * 50), 4)
    assert infinite.expanded.tolist() == [-np.inf] * 50 + [np.inf] * 50
