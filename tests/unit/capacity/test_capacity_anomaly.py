"""Anomalies of a metric: what surprises, and what does not."""

import numpy as np
import pytest

from core.business.checks import Floats
from core.capacity.anomaly import MIN_KNOWN, Deviation, surprise
from core.capacity.forecast import DAY, HOUR


def noise(seed: int, size: int = 3 * DAY) -> Floats:
    return 50.0 + np.random.default_rng(seed).normal(0.0, 4.0, size)


def seen(values: Floats) -> tuple[bool, Deviation]:
    found = surprise(values)
    assert found is not None
    return found.is_anomaly, found.deviation


@pytest.mark.parametrize(
    ("newest", "deviation"),
    [
        ([95.0], Deviation.HIGH),
        ([5.0], Deviation.LOW),
        ([59.0] * HOUR, Deviation.LASTING_HIGH),
        ([41.0] * HOUR, Deviation.LASTING_LOW),
        ([38.0, 50.0, 63.0, 37.5, 64.0], Deviation.RANGE),
    ],
)
def test_what_is_beyond_the_tail_of_the_past_is_an_anomaly(newest: list[float], deviation: Deviation) -> None:
    assert seen(np.append(noise(1), newest)) == (True, deviation)


def test_bursts_that_a_metric_has_do_not_surprise_and_a_longer_one_does() -> None:
    values = noise(2)
    values[7 :: 2 * HOUR] = 95.0
    assert not seen(np.append(values, [95.0]))[0]
    assert seen(np.append(values, [95.0] * HOUR)) == (True, Deviation.LASTING_HIGH)


def test_noise_is_hardly_ever_an_anomaly() -> None:
    values = noise(3, 6 * DAY)
    found = [seen(values[: row + 1])[0] for row in range(2 * DAY, values.size)]
    assert sum(found) <= 3


def test_a_quiet_metric_has_a_scale() -> None:
    quiet = np.full(DAY, 0.134)
    assert not seen(np.append(quiet, 0.136))[0]
    assert seen(np.append(quiet, 0.5)) == (True, Deviation.HIGH)


def test_a_metric_that_was_always_zero() -> None:
    assert seen(np.append(np.zeros(DAY), 1.0)) == (True, Deviation.HIGH)
    assert not seen(np.zeros(DAY))[0]


def test_an_anomaly_is_not_its_own_past() -> None:
    """For an hour at least, it is compared with what was before it."""
    assert seen(np.append(noise(4), [95.0] * HOUR))[0]


def test_too_few_values_or_no_newest_one_are_not_known() -> None:
    assert surprise(np.ones(MIN_KNOWN - 1)) is None
    assert surprise(np.append(np.ones(DAY), np.nan)) is None


def test_gaps_are_no_anomaly() -> None:
    values = noise(5)
    values[200:260] = np.nan
    assert not seen(values)[0]


def test_the_unit_does_not_matter() -> None:
    values = np.append(noise(6), 90.0)
    ours, others = surprise(values), surprise(values * 1024)
    assert ours is not None
    assert others is not None
    assert others.digits == pytest.approx(ours.digits)
