"""The season of the year: a December of three times the revenue."""

from datetime import date, timedelta

import numpy as np
import pytest

from core.business.checks import Floats
from core.business.forecast import forecast
from core.business.year import yearly_effects

START = date(2024, 12, 1)
ORIGINS = np.arange(100, 730, 3)


def decembers(days: int, *, noise: float = 0.2, growth: float = 1.0, seed: int = 1) -> Floats:
    """$100 a day, $300 in December, growing by a factor a year."""
    month = np.array([(START + timedelta(n)).month for n in range(days)])
    usual = np.where(month == 12, 300.0, 100.0) * growth ** (np.arange(days) / 365)
    return usual * np.random.default_rng(seed).lognormal(0, noise, days)


@pytest.mark.parametrize("today", [START + timedelta(730), None])
@pytest.mark.parametrize(("noise", "growth"), [(0.0, 1.0), (0.2, 1.0), (0.2, 1.5)])
def test_the_third_december_lies_within_the_interval(today: date | None, noise: float, growth: float) -> None:
    for seed in range(3):
        series = decembers(760, noise=noise, growth=growth, seed=seed)
        total = forecast(series[:730], today=today).total
        assert total.low is not None
        assert total.middle is not None
        assert total.high is not None
        assert total.low <= series[730:].sum() <= total.high
        assert total.middle == pytest.approx(series[730:].sum(), rel=0.2)
        assert total.high < 1.4 * total.middle


def test_january_is_forecast_as_the_end_of_the_season() -> None:
    series = decembers(791)
    result = forecast(series[:761], today=START + timedelta(761))
    assert result.middle.sum() == pytest.approx(series[761:].sum(), rel=0.25)


def test_an_event_of_one_year_is_no_season() -> None:
    series = decembers(760)
    series[:31] /= 3
    assert yearly_effects(series[:730], ORIGINS, 30, 7) is None


def test_noise_and_a_short_history_have_no_season_of_the_year() -> None:
    noise = np.random.default_rng(2).lognormal(5, 0.5, 730)
    assert yearly_effects(noise, ORIGINS, 30, 7) is None
    assert yearly_effects(decembers(500), np.arange(100, 500, 3), 30, 7) is None
    assert yearly_effects(np.zeros(730), ORIGINS, 30, 7) is None
    assert yearly_effects(np.where(np.arange(730) < 300, np.nan, decembers(730)), ORIGINS, 30, 7) is None


def test_the_season_of_a_day_uses_no_day_of_the_last_eleven_months() -> None:
    series = decembers(730)
    before = yearly_effects(series, ORIGINS, 30, 7)
    assert before is not None
    changed = series.copy()
    changed[600:] *= 1.5
    after = yearly_effects(changed, ORIGINS, 30, 7)
    assert after is not None
    # The usual level, which all days are a multiple of, is that of the whole history.
    ratio = np.asarray(after.scale_ahead) / np.asarray(before.scale_ahead)
    assert ratio == pytest.approx(np.full(ratio.shape, np.median(ratio)), rel=0.06)


def test_unknown_days_and_refunds_are_allowed() -> None:
    series = decembers(760)
    series[np.random.default_rng(3).random(760) < 0.3] = np.nan
    series[[50, 420]] = -20.0
    result = forecast(series[:730], today=START + timedelta(730))
    assert result.middle.mean() == pytest.approx(300, rel=0.25)
    assert np.isfinite([result.low, result.high]).all()
