"""What a generative model is measured by: values that are known, intervals that hold what they promise, counts that agree with rows."""

from datetime import timedelta

import numpy as np
import pytest

from core.drift import Profile, count
from core.drift.columns import ProfileError
from core.generative.meter import SHARES, GenerationMeter, p95, shares
from core.generative.projections import project, signs
from core.generative.window import counted_shares, embedding_distances, traffic
from core.measures import GENERATIVE, MEASURES
from core.performance import Rows
from core.settings import Embedding, Generation, Prices

LOG = Generation(
    first_token="first",
    total="total",
    tokens_in="prompt",
    tokens_out="completion",
    prices=Prices(tokens_in=1.0, tokens_out=2.0),
    retries="retries",
    scores=("stars",),
    embeddings=(Embedding(column="e", dimensions=64, projections=16),),
)
METER = GenerationMeter(log=LOG)


def test_every_measure_of_the_registry_is_measured() -> None:
    columns = {
        **{flag: np.array(["false", "true"] * 20, object) for flag in SHARES.values()},
        **{name: np.arange(40.0) for name in METER.values},
    }
    found = METER.measure(Rows(score=columns["total"], label=np.zeros(40), features=columns))
    of_counts = {"embedding_distance", "dollars_per_hour"}
    assert {name.partition("/")[0] for name in found} | of_counts == {
        name for name, one in MEASURES.items() if GENERATIVE in one.tasks
    }


def test_shares_are_of_all_requests_that_have_the_flag_and_personal_data_of_any_kind_counts() -> None:
    found = shares({"pii_": ["none", "email", "email+ip", None], "retrieval_hit_": [True, True, False, True]})
    assert (found["pii_ratio"].value, found["pii_ratio"].rows) == (2 / 3, 3)
    assert found["retrieval_hit_ratio"].value == 0.75


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_of_the_percentile_holds_it_as_often_as_it_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = float(np.exp(1.6448536269514722))
    held = [found.low <= true <= found.high for found in map(p95, rng.lognormal(size=(1000, 400)))]  # type: ignore[operator]  # there are rows
    assert 0.92 <= np.mean(held) <= 0.98


@pytest.mark.parametrize("n", [1, 2, 30])
def test_few_values_have_their_largest_as_the_end_of_the_interval(n: int) -> None:
    found = p95(np.arange(1.0, n + 1))
    assert (found.value, found.high, found.rows) == (float(np.ceil(0.95 * n)), float(n), n)


def test_without_values_there_is_no_percentile() -> None:
    found = METER.measure_values({"first": np.full(5, np.nan), "total": [1.0, np.inf, 3.0]})
    assert found["first_token_p95"].value is None
    assert (found["total_p95"].value, found["total_p95"].rows) == (3.0, 2)


def test_text_among_the_values_is_refused_by_name() -> None:
    with pytest.raises(ProfileError, match="column 'total': must be numeric"):
        METER.measure_values({"total": ["slow", "fast"]})


def test_nothing_is_estimated_and_nothing_is_loaded() -> None:
    assert METER.learn(Rows(score=[1.0], label=[0.0])) is None
    with pytest.raises(ValueError, match="must be none of a generative model, got \\['x'\\]"):
        METER.load({"x": 1})


def window(n: int, seed: int, **moved: float) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 64)) + moved.get("topic", 0.0) * np.random.default_rng(1).choice([-1, 1], 64)
    flags = np.where(rng.random(n) < moved.get("failed", 0.1), "true", "false").astype(object)
    columns = {name: project(vectors, k) for k, name in enumerate(LOG.embeddings[0].names, 1)}
    return {**columns, "prompt": rng.poisson(300, n).astype(float), "dollars_": rng.random(n), "failed_": flags}


def test_counts_have_the_shares_and_the_sums_of_the_rows() -> None:
    profile = Profile.fit(window(2000, 1))
    now = window(500, 2, failed=0.3)
    counts = count(profile, now)
    assert counted_shares(profile, counts)["error_ratio"] == shares(now)["error_ratio"]
    use = traffic(LOG, profile, counts, timedelta(hours=1))
    assert use.requests == pytest.approx(500 / 3600)
    assert use.tokens_in == pytest.approx(float(now["prompt"].sum()) / 3600)
    assert use.dollars == pytest.approx(float(now["dollars_"].sum()))
    assert use.tokens_out is None


def test_a_flag_that_the_reference_never_had_is_counted() -> None:
    profile = Profile.fit({"failed_": np.array(["false"] * 200, object)})
    counts = count(profile, {"failed_": np.array(["false"] * 9 + ["true"], object)})
    assert counted_shares(profile, counts)["error_ratio"].value == 0.1


def test_a_flag_whose_column_is_gone_is_no_share() -> None:
    profile = Profile.fit(window(500, 1))
    now = {name: one for name, one in window(500, 2).items() if name != "failed_"}
    assert counted_shares(profile, count(profile, now)) == {}


@pytest.mark.parametrize(("topic", "low", "high"), [(0.0, 0.0, 0.08), (0.5, 0.3, 0.75), (2.0, 1.2, 3.0)])
def test_the_distance_of_embeddings_is_about_that_of_the_vectors(topic: float, low: float, high: float) -> None:
    profile = Profile.fit(window(4000, 1))
    found = embedding_distances(LOG, profile, count(profile, window(1000, 2, topic=topic)))["embedding_distance/e"]
    assert found.value is not None
    assert low <= found.value <= high
    assert found.rows == 1000


def test_embeddings_that_are_gone_have_no_distance() -> None:
    profile = Profile.fit(window(500, 1))
    found = embedding_distances(LOG, profile, count(profile, {"failed_": window(500, 2)["failed_"]}))
    assert found["embedding_distance/e"].value is None


def test_signs_are_even_different_and_for_ever_the_same() -> None:
    found = [signs(768, number) for number in range(1, 9)]
    assert all(0.4 < one.count("1") / 768 < 0.6 for one in found)
    assert len({*found}) == 8
    assert signs(24, 3) == "011000111100100000011100"
