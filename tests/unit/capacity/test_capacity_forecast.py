"""Forecast of the next hour of a metric: level, season, trend, gaps, intervals and the probability of a crossing."""

import numpy as np
import pytest

from core.business.checks import EstimateError, Floats
from core.capacity.forecast import DAY, HOUR, MIN_KNOWN, CapacityForecast, forecast

LIMIT = 90.0


def found(values: Floats) -> CapacityForecast:
    result = forecast(values)
    assert result is not None
    return result


def leak(seed: int, size: int = 400) -> Floats:
    return 40.0 + 0.1 * np.arange(size) + np.random.default_rng(seed).normal(0.0, 0.3, size)


def test_a_leak_is_forecast_to_reach_its_limit_and_a_level_is_not() -> None:
    memory = leak(1)  # about 80 now, 0.1 a step: 81.2 in an hour
    assert found(memory).middle[-1] == pytest.approx(81.2, abs=0.5)
    assert found(memory).crossing(80.6, above=True)[-1] > 0.8
    assert found(memory).crossing(LIMIT, above=True)[-1] < 0.02
    assert found(-memory + 200).crossing(119.4, above=False)[-1] > 0.8


def test_the_probability_of_a_crossing_is_how_often_it_happens() -> None:
    generator = np.random.default_rng(2)
    said, happened = [], []
    for _ in range(12):
        walk = 50 + np.cumsum(generator.normal(0, 1, 700))
        for origin in range(500, 680, 15):
            limit = walk[origin] + 3.0
            said.append(found(walk[: origin + 1]).crossing(limit, above=True)[-1])
            happened.append(walk[origin + 1 : origin + HOUR + 1].max() >= limit)
    assert np.mean(said) == pytest.approx(np.mean(happened), abs=0.08)


def test_a_spike_each_hour_is_forecast_at_its_place() -> None:
    values = np.full(2 * DAY, 5.0)
    values[7::HOUR] = 60.0
    middle = found(values).middle
    assert middle.tolist() == [60.0 if step % HOUR == 7 else 5.0 for step in range(HOUR)]


def test_the_same_time_of_day_counts_after_three_days() -> None:
    day = 50 + 40 * np.sin(np.arange(DAY) / DAY * 2 * np.pi)
    values = np.tile(day, 5)[: 4 * DAY + 200]
    assert found(values).middle == pytest.approx(np.tile(day, 5)[values.size : values.size + HOUR], abs=0.01)


def test_nine_of_ten_values_lie_within_the_interval() -> None:
    generator = np.random.default_rng(3)
    inside = []
    for _ in range(20):
        values = generator.gamma(2.0, 10.0, 600 + HOUR)
        result = found(values[:600])
        inside.append(((result.low <= values[600:]) & (values[600:] <= result.high)).mean())
        assert result.low.min() >= 0
        assert result.peak == result.high.max() > result.middle.max()
    assert np.mean(inside) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("values", [np.array([]), np.full(500, np.nan), np.ones(MIN_KNOWN - 1)])
def test_too_few_values_are_not_known(values: Floats) -> None:
    assert forecast(values) is None


def test_a_metric_that_is_no_longer_reported_is_not_known() -> None:
    values = np.append(np.ones(300), np.full(HOUR, np.nan))
    assert forecast(values) is None
    assert found(values[:-1]).middle.tolist() == [1.0] * HOUR


def test_where_no_hour_is_without_a_gap_it_is_not_known_whether_a_limit_is_reached() -> None:
    values = np.arange(400.0)
    values[::8] = np.nan
    values[-1] = 399.0
    assert forecast(values) is None


def test_gaps_change_little() -> None:
    values = leak(4)
    holes = values.copy()
    holes[np.random.default_rng(5).random(values.size) < 0.2] = np.nan
    holes[-1] = values[-1]
    assert found(holes).middle == pytest.approx(found(values).middle, abs=0.6)


def test_a_constant_has_an_interval_of_no_width_and_no_certainty() -> None:
    result = found(np.full(300, 3.0))
    assert result.low == pytest.approx(3.0)
    assert result.high == pytest.approx(3.0)
    assert 0 < result.crossing(4.0, above=True)[-1] < 0.02


def test_a_series_is_not_changed() -> None:
    values = leak(6)
    before = values.copy()
    forecast(values)
    assert (values == before).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "horizon: must be 1 to 72, got 0"),
        ({"level": 1.0}, "level: must be above 0 and below 1, got 1.0"),
    ],
)
def test_an_invalid_argument_is_named(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(EstimateError, match=message):
        forecast(np.ones(100), **arguments)  # type: ignore[arg-type]  # one of each
