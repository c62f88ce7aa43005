"""What a function sets about the past becomes points, as the catalogue has them."""

import math
from datetime import UTC, datetime

import pytest

from infra.local.past.metrics import PastMetrics
from infra.local.prometheus import HistoryPoint

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_gauge_is_a_point() -> None:
    metrics = PastMetrics()
    metrics.gauge("aia_market_rank", 2, at=AT)
    metrics.gauge("aia_attributed_revenue_dollars", 1.5, at=AT, kind="model")
    metrics.flush()
    assert metrics.points == [
        HistoryPoint(name="aia_market_rank", labels={}, at=AT, value=2.0),
        HistoryPoint(name="aia_attributed_revenue_dollars", labels={"kind": "model"}, at=AT, value=1.5),
    ]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_point(value: float) -> None:
    metrics = PastMetrics()
    metrics.gauge("aia_roi_ratio", value, at=AT)
    assert metrics.points == []


def test_a_counter_has_no_past() -> None:
    metrics = PastMetrics()
    metrics.count("aia_function_requests_total", function="bi_rollup", outcome="done")
    assert metrics.points == []


def test_a_value_of_no_instant_and_what_the_catalogue_does_not_have_are_refused() -> None:
    metrics = PastMetrics()
    with pytest.raises(ValueError, match="aia_roi_ratio: at must be given"):
        metrics.gauge("aia_roi_ratio", 1.0)
    with pytest.raises(ValueError, match="aia_attributed_revenue_dollars: labels must be"):
        metrics.gauge("aia_attributed_revenue_dollars", 1.0, at=AT)
    with pytest.raises(ValueError, match="aia_roi_ratio: must be written as a gauge, got counter"):
        metrics.count("aia_roi_ratio")
