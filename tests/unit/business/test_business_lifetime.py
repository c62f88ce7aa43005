"""Lifetime value: the published results for CDNOW, simulated customers, and invalid input."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.optimize import approx_fprime
from scipy.special import betaln, xlog1py

from core.business import bg_nbd, gamma_gamma, lifetime_interval, likelihood
from core.business.bg_nbd import BgNbd, PurchaseHistory
from core.business.checks import EstimateError, Floats
from core.business.gamma_gamma import GammaGamma
from core.business.lifetime import MIN_CUSTOMERS, MIN_REPEAT, LifetimeModel, TooFewCustomersError, fit
from core.business.lifetime_error import holdout_error
from core.business.lifetime_interval import mean_value_factor
from core.business.outliers import clip_amounts

CDNOW = Path(__file__).parents[2] / "data" / "cdnow_summary_monetary.csv"
# Customers 1, 2, 3, 11 and 501, and what lifetimes 0.11.3 (BetaGeoFitter, GammaGammaFitter) says of them.
SOME = [0, 1, 2, 10, 500]
PURCHASES_39 = [1.2259104, 0.2032506, 0.1947809, 1.8709916, 0.2071302]
ALIVE = [0.7266091, 0.2122274, 1.0, 0.4914267, 1.0]
SPEND = [24.658619, 18.911480, 35.171002, 29.902780, 35.171002]


@pytest.fixture(scope="module")
def cdnow() -> LifetimeModel:
    """Fitted to weeks: the model asks for no unit, only for the same one everywhere."""
    _, frequency, recency, age, monetary = np.loadtxt(CDNOW, delimiter=",", skiprows=1).T
    return fit(frequency, recency, age, monetary)


def test_purchase_parameters_are_the_published_ones(cdnow: LifetimeModel) -> None:
    # Fader, Hardie and Lee (2005), table 2: r 0.243, alpha 4.414, a 0.793, b 2.426, log-likelihood -9582.4
    result = cdnow.purchases
    assert [result.r, result.alpha, result.a, result.b] == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert bg_nbd.log_likelihood(result, cdnow.history) == pytest.approx(-9582.4, abs=0.05)


def test_value_parameters_are_the_published_ones(cdnow: LifetimeModel) -> None:
    # Fader and Hardie (2013), The Gamma-Gamma model of monetary value: p 6.25, q 3.74, gamma 15.44; lifetimes 15.4477
    result = cdnow.amounts
    assert [result.p, result.q, result.v] == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
    assert cdnow.correlation == pytest.approx(0.1139, abs=1e-4)


def test_expectations_equal_those_of_lifetimes(cdnow: LifetimeModel) -> None:
    assert cdnow.expected_purchases(39)[SOME] == pytest.approx(PURCHASES_39, rel=1e-4)
    assert cdnow.alive()[SOME] == pytest.approx(ALIVE, rel=1e-4)
    assert cdnow.expected_spend()[SOME] == pytest.approx(SPEND, rel=1e-4)
    assert cdnow.expected_purchases(39).sum() == pytest.approx(1653.42, rel=1e-4)


def test_one_customer_with_a_million_does_not_change_the_value_of_the_others(cdnow: LifetimeModel) -> None:
    monetary = cdnow.monetary.copy()
    monetary[np.flatnonzero(monetary)[3]] = 1e6
    history = cdnow.history
    found = fit(history.frequency, history.recency, history.age, monetary)
    assert found.value(52).mean() == pytest.approx(cdnow.value(52).mean(), rel=0.02)
    assert found.amounts.mean == pytest.approx(cdnow.amounts.mean, rel=0.02)


def test_equal_purchase_values_are_no_outliers() -> None:
    assert clip_amounts(np.array([10.0, 10.0, 10.0, 100.0])).tolist() == [10.0, 10.0, 10.0, 100.0]
    assert clip_amounts(np.array([])).size == 0


def test_the_value_is_purchases_times_spend(cdnow: LifetimeModel) -> None:
    assert cdnow.value(39) == pytest.approx(cdnow.expected_purchases(39) * cdnow.expected_spend())
    assert cdnow.value() == pytest.approx(cdnow.value(365))
    assert cdnow.value(0) == pytest.approx(np.zeros(2357), abs=1e-9)
    with pytest.raises(EstimateError, match="days: must be a number of at least 0, got -1"):
        cdnow.value(-1)


def test_a_discounted_value_is_that_of_many_small_steps(cdnow: LifetimeModel) -> None:
    steps = np.linspace(0, 365, 31)
    purchases = np.diff([cdnow.expected_purchases(days).sum() for days in steps])
    middles = (steps[1:] + steps[:-1]) / 2
    exact = (purchases * 1.2 ** (-middles / 365)).sum() / purchases.sum()
    spend = cdnow.expected_spend()
    assert spend == pytest.approx(cdnow.value(365) / cdnow.expected_purchases(365))
    assert (cdnow.value(365, discount=0.2) / spend).sum() / purchases.sum() == pytest.approx(exact, rel=2e-3)
    assert cdnow.value(365, discount=0.0) == pytest.approx(cdnow.value(365))
    with pytest.raises(EstimateError, match=r"discount: must be a number of at least 0, got -0\.1"):
        cdnow.value(365, discount=-0.1)


def test_the_median_is_that_of_simulated_purchases() -> None:
    truth = BgNbd(r=0.8, alpha=30.0, a=0.9, b=3.0)
    history = PurchaseHistory(
        frequency=np.array([0.0, 2.0, 12.0]), recency=np.array([0.0, 150.0, 195.0]), age=np.full(3, 200.0)
    )
    rng = np.random.default_rng(5)
    found = bg_nbd.median(truth, history, 200.0)
    for place in range(3):
        x, stays = history.frequency[place], bg_nbd.alive(truth, history)[place]
        drawn = [_bought(rng, truth, x, 200.0, 200.0) if rng.random() < stays else 0 for _ in range(4000)]
        below, above = np.mean(np.array(drawn) < found[place]), np.mean(np.array(drawn) > found[place])
        assert below <= 0.54
        assert above <= 0.54
    assert found[2] > found[1] >= found[0]


def _bought(rng: np.random.Generator, model: BgNbd, x: float, age: float, days: float) -> int:
    """Purchases of a customer who is there, drawn from the posterior."""
    rate, leaves, now, count = rng.gamma(model.r + x, 1 / (model.alpha + age)), rng.beta(model.a, model.b + x), 0.0, 0
    while (now := now + rng.exponential(1 / rate)) < days:
        count += 1
        if rng.random() < leaves:
            break
    return count


def test_the_interval_is_wider_for_fewer_customers_and_holds_the_truth() -> None:
    truth, amounts, known, _ = customers(4, 1500)
    history = PurchaseHistory(frequency=known[0], recency=known[1], age=known[2])
    expected = bg_nbd.expected(truth, history, 365.0) * gamma_gamma.expected(amounts, known[0], known[3])
    whole, part = fit(*known), fit(*(column[:300] for column in known))
    factor = mean_value_factor(whole, 365)
    assert 1.02 < factor < mean_value_factor(part, 365) < 2.5
    middle = whole.value(365).mean()
    assert middle / factor <= expected.mean() <= middle * factor


def test_the_interval_of_many_customers_is_taken_from_some_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, known, _ = customers(4, 1500)
    model = fit(*known)
    whole = mean_value_factor(model, 365)
    monkeypatch.setattr(lifetime_interval, "MOST", 750)
    assert np.log(mean_value_factor(model, 365)) == pytest.approx(np.log(whole), rel=0.7)


def test_the_error_on_known_purchases_is_that_of_the_median_and_the_naive_count() -> None:
    _, _, known, later = customers(5, 1500)
    found = holdout_error(known, later.astype(float), 100)
    model = fit(*known)
    assert found.forecast == np.abs(model.median_purchases(100) - later).mean()
    assert found.naive == pytest.approx(np.abs(known[0] * 100 / known[2] - later).mean())
    assert found.forecast < found.naive
    assert found.ratio == pytest.approx(1.0, abs=0.15)
    assert found.customers == 1500
    with pytest.raises(EstimateError, match=r"purchases\[0\]: must be at least 0, got -1"):
        holdout_error(known, np.full(1500, -1.0), 100)
    with pytest.raises(EstimateError, match="days: must be a number above 0, got 0"):
        holdout_error(known, later.astype(float), 0)


def customers(seed: int, many: int) -> tuple[BgNbd, GammaGamma, tuple[Floats, ...], NDArray[np.int64]]:
    """Customers of known parameters, watched for up to 300 days, and what they bought in the 100 days after."""
    rng = np.random.default_rng(seed)
    truth, amounts = BgNbd(r=0.8, alpha=30.0, a=0.9, b=3.0), GammaGamma(p=4.0, q=5.0, v=40.0)
    age = rng.uniform(100, 300, many)
    rows, later = np.zeros((many, 3)), np.zeros(many, dtype=np.int64)
    for n, until in enumerate(age.tolist()):
        rate, leaves = rng.gamma(truth.r, 1 / truth.alpha), rng.beta(truth.a, truth.b)
        times, now = [], rng.exponential(1 / rate)
        while now < until + 100:
            times.append(now)
            now = now + rng.exponential(1 / rate) if rng.random() >= leaves else np.inf
        before = [time for time in times if time < until]
        later[n] = len(times) - len(before)
        scale = rng.gamma(amounts.q, 1 / amounts.v)
        paid = rng.gamma(amounts.p, 1 / scale, len(before))
        rows[n] = len(before), max(before, default=0.0), paid.mean() if before else 0.0
    return truth, amounts, (rows[:, 0], rows[:, 1], age, rows[:, 2]), later


def test_the_parameters_of_simulated_customers_are_recovered() -> None:
    truth, amounts, known, later = customers(1, 6000)
    result = fit(*known)
    assert result.purchases.r / result.purchases.alpha == pytest.approx(truth.r / truth.alpha, rel=0.1)
    share = result.purchases.a / (result.purchases.a + result.purchases.b)
    assert share == pytest.approx(truth.a / (truth.a + truth.b), rel=0.15)
    assert result.amounts.mean == pytest.approx(amounts.mean, rel=0.06)
    assert result.expected_purchases(100).sum() == pytest.approx(later.sum(), rel=0.08)
    for part in np.array_split(np.argsort(result.expected_purchases(100)), 4):
        assert result.expected_purchases(100)[part].sum() == pytest.approx(later[part].sum(), rel=0.2, abs=40)


def test_the_unit_of_time_and_of_money_does_not_matter(cdnow: LifetimeModel) -> None:
    history = cdnow.history
    days = fit(history.frequency, history.recency * 7, history.age * 7, cdnow.monetary * 100)
    assert days.purchases.alpha == pytest.approx(cdnow.purchases.alpha * 7, rel=1e-3)
    assert days.value(7 * 39) == pytest.approx(cdnow.value(39) * 100, rel=1e-3)


@pytest.mark.parametrize("at", [[0.5, 3.0, 0.7, 2.0], [3.0, 0.4, 5.0, 0.2]])
def test_the_gradient_of_purchases_is_right(at: list[float], cdnow: LifetimeModel) -> None:
    history, counts = cdnow.history, bg_nbd._counts(cdnow.history)
    _, slope = bg_nbd._mean_log(np.array(at), history, counts)
    near = approx_fprime(np.array(at), lambda one: bg_nbd._mean_log(one, history, counts)[0], 1e-7)
    assert slope == pytest.approx(near, abs=1e-5)


def test_the_gradient_of_amounts_is_right(cdnow: LifetimeModel) -> None:
    again = cdnow.monetary > 0
    known = cdnow.history.frequency[again], cdnow.monetary[again]
    at = np.array([3.0, 2.0, 9.0])
    _, slope = gamma_gamma._mean_log(at, *known)
    assert slope == pytest.approx(approx_fprime(at, lambda one: gamma_gamma._mean_log(one, *known)[0], 1e-7), abs=1e-5)
    _, slope = gamma_gamma._by_mean(at, *known)
    assert slope == pytest.approx(approx_fprime(at, lambda one: gamma_gamma._by_mean(one, *known)[0], 1e-7), abs=1e-5)


parameters = st.builds(
    BgNbd,
    r=st.floats(0.05, 20),
    alpha=st.floats(0.5, 500),
    a=st.one_of(st.floats(0.05, 20), st.just(1.0)),
    b=st.one_of(st.floats(0.05, 20), st.just(0.5)),
)


@given(parameters, st.integers(0, 3000), st.floats(0, 1), st.floats(1, 2000), st.floats(0, 1000))
@example(BgNbd(r=1.06, alpha=453.0, a=1.0, b=0.5), 0, 0.0, 1.0, 5e-324)
def test_expectations_are_finite_and_grow_with_time(
    model: BgNbd, frequency: int, share: float, age: float, days: float
) -> None:
    recency = age * share if frequency else 0.0
    history = PurchaseHistory(frequency=np.array([float(frequency)]), recency=np.array([recency]), age=np.array([age]))
    there = bg_nbd.alive(model, history)[0]
    soon, late = (bg_nbd.expected(model, history, time)[0] for time in (days, 2 * days))
    assert 0 <= there <= 1
    assert there == 1 or frequency
    at_most = (model.r + frequency) / (model.alpha + age) * days * there  # without churn
    assert 0 <= soon <= at_most * (1 + 1e-5) + 1e-5
    assert soon <= late * (1 + 1e-6) + 1e-5


def integrated(model: BgNbd, history: PurchaseHistory, time: float) -> float:
    """The same expectation by its definition: over the chance of staying away, with the rate's gamma integrated out."""
    x, age = history.frequency[0], history.age[0]
    b, shape, rate = model.b + x, model.r + x, model.alpha + age

    def weighed(away: float) -> float:
        density = np.exp((model.a - 1) * np.log(away) + xlog1py(b - 1, -away) - betaln(model.a, b))
        return float(density * -np.expm1(-shape * np.log1p(away * time / rate)) / away)

    peak = model.a / (model.a + b)
    parts = [0.0, peak / 10, peak, min(10 * peak, (1 + peak) / 2), 1.0]
    whole = sum(quad(weighed, low, high, limit=200)[0] for low, high in pairwise(parts))
    return float(whole * bg_nbd.alive(model, history)[0])


@pytest.mark.parametrize("frequency", [0, 1, 7, 150, 2000])
@pytest.mark.parametrize(
    "model",
    [
        BgNbd(r=0.24, alpha=30.0, a=0.79, b=2.4),
        BgNbd(r=0.9, alpha=28.0, a=1.0, b=2.4),
        BgNbd(r=2.0, alpha=300.0, a=0.6, b=0.4),
        BgNbd(r=0.9, alpha=28.0, a=2900.0, b=2500.0),
        BgNbd(r=2500.0, alpha=2500.0, a=15.0, b=30.0),
        BgNbd(r=0.5, alpha=10.0, a=0.01, b=2900.0),
        BgNbd(r=2900.0, alpha=100.0, a=2900.0, b=2900.0),
    ],
)
def test_the_expectation_equals_its_integral(model: BgNbd, frequency: int) -> None:
    recency = 350.0 if frequency else 0.0
    history = PurchaseHistory(
        frequency=np.array([float(frequency)]), recency=np.array([recency]), age=np.array([365.0])
    )
    for days in (1.0, 90.0, 3650.0):
        expected = integrated(model, history, days)
        assert bg_nbd.expected(model, history, days)[0] == pytest.approx(expected, rel=1e-4, abs=1e-7)


@given(parameters, st.floats(1, 2000))
def test_a_recent_customer_is_more_likely_alive(model: BgNbd, age: float) -> None:
    recency = np.linspace(0, age, 9)[1:]
    history = PurchaseHistory(frequency=np.full(8, 3.0), recency=recency, age=np.full(8, age))
    assert (np.diff(bg_nbd.alive(model, history)) >= 0).all()


def test_expected_spend_lies_between_own_and_overall_mean() -> None:
    model = GammaGamma(p=4.0, q=5.0, v=40.0)
    result = gamma_gamma.expected(model, np.array([0.0, 1.0, 3.0, 1000.0]), np.array([0.0, 100.0, 100.0, 100.0]))
    assert result[0] == model.mean == 40.0
    assert (np.diff(result) > 0).all()
    assert result[-1] == pytest.approx(100.0, rel=0.01)


def some(**change: list[float]) -> dict[str, list[float]]:
    many = 200
    whole = {
        "frequency": [float(n % 4) for n in range(many)],
        "recency": [float(n % 4) * 20 for n in range(many)],
        "age": [100.0 + n for n in range(many)],
        "monetary": [10.0 + n % 17 for n in range(many)],
    }
    return whole | {name: values + whole[name][len(values) :] for name, values in change.items()}


def test_amounts_without_a_repeat_purchase_are_ignored() -> None:
    plain, strange = fit(**some()), fit(**some(monetary=[-5.0]))
    assert strange.amounts == plain.amounts
    assert strange.monetary[0] == 0
    assert fit(**some(monetary=[float("nan")])).value() == pytest.approx(plain.value())


def test_equal_amounts_have_no_correlation() -> None:
    whole = some()
    whole["monetary"] = [20.0 if n % 2 else 20.0 + 1e-9 for n in range(200)]
    whole["frequency"] = [1.0] * 200
    whole["recency"] = [5.0] * 200
    assert fit(**whole).correlation == 0.0


@pytest.mark.parametrize("spread", [0.0, 0.01, 2.0])
@pytest.mark.parametrize("often", [2, 1000])
def test_similar_and_widely_spread_amounts_are_fitted(spread: float, often: int) -> None:
    rng = np.random.default_rng(7)
    count = rng.integers(1, 2 * often, 500).astype(float)
    model = gamma_gamma.fit(count, 20 * rng.lognormal(0, spread, 500))
    if spread < 1:
        assert model.mean == pytest.approx(20.0, rel=0.02)
        assert gamma_gamma.expected(model, count, np.full(500, 20.0)) == pytest.approx(np.full(500, 20.0), rel=0.02)
    assert np.isfinite([model.p, model.q, model.v, model.mean]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frequency": [1.5]}, r"frequency\[0\]: must be a whole number of at least 0, got 1.5"),
        ({"frequency": [0.0, -1.0]}, r"frequency\[1\]: must be a whole number of at least 0, got -1"),
        ({"recency": [3.0]}, r"recency\[0\]: must be 0 without a repeat purchase, got 3"),
        ({"recency": [0.0, 999.0]}, r"recency\[1\]: must be at least 0 and at most the age, got 999"),
        ({"age": [-1.0]}, r"age\[0\]: must be at least 0, got -1"),
        ({"age": [float("nan")]}, r"age\[0\]: must be finite, got nan"),
        ({"monetary": [0.0, -2.0]}, r"monetary\[1\]: must be at least 0 where there is a repeat purchase, got -2"),
        (
            {"monetary": [0.0, float("nan")]},
            r"monetary\[1\]: must be at least 0 where there is a repeat purchase, got nan",
        ),
        ({"monetary": [1.0] * 201}, "monetary: must have 200 values as frequency has, got 201"),
    ],
)
def test_a_wrong_argument_is_named(change: dict[str, list[float]], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        fit(**some(**change))


def test_too_few_customers_raise_their_own_error() -> None:
    few = {name: values[: MIN_CUSTOMERS - 1] for name, values in some().items()}
    with pytest.raises(TooFewCustomersError, match=r"customers: must be at least 100, 30 of them .* got 99 and 74"):
        fit(**few)
    once = some()
    once["frequency"] = [1.0] * (MIN_REPEAT - 1) + [0.0] * (201 - MIN_REPEAT)
    once["recency"] = [0.0] * 200
    with pytest.raises(TooFewCustomersError, match="got 200 and 29"):
        fit(**once)


def test_customers_of_no_age_are_refused() -> None:
    whole = some()
    whole["age"], whole["recency"] = [0.0] * 200, [0.0] * 200
    with pytest.raises(EstimateError, match="age: must be above 0 for some customer, got 0 for all"):
        fit(**whole)


@pytest.mark.parametrize(("value", "slope"), [(0.0, 1.0), (np.nan, 1.0)])
def test_a_likelihood_without_a_maximum_is_refused(value: float, slope: float) -> None:
    def lying(at: Floats) -> tuple[float, Floats]:
        return value, np.full(at.size, slope)

    with pytest.raises(EstimateError, match="lies: no maximum of the likelihood was found from 1 starts"):
        likelihood.maximise(lying, [[1.0]], "lies")
