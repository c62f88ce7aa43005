"""Indicators behind stakeholder satisfaction: thresholds and weights, in one table."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicators:
    """Measured indicators, None or NaN where unknown; ratios are shares of 1, times are in seconds.

    Attributes:
        roi_ratio: return on investment: revenue less cost, as a share of cost.
        revenue_ratio: revenue as a share of the forecast.
        forecast_error_ratio: WAPE of the forecasts.
        forecast_coverage_ratio: share of days within the prediction interval, whose level is 90 %.
        risk_ratio: revenue per hour at risk from open incidents, as a share of all revenue per hour.
        churn_ratio: share of the customers of the previous period who did not return.
        payment_success_ratio: share of payments that did not fail.
        mtta_seconds: mean time to acknowledge an incident.
        mttr_seconds: mean time to resolve one.
        pages_per_week: escalations to a person.
        unacknowledged_ratio: share of open incidents that nobody has acknowledged.
        actions_failed_ratio: share of automated actions that failed.
        availability_ratio: share of probe checks that passed.
        drift_scored_age_seconds: age of the newest drift report, of the model with the oldest one.
        models_drifted_ratio: share of models with a drifted feature.
        accuracy_margin: accuracy less the accuracy floor, of the worst model.
        pipeline_health_ratio: health of the worst pipeline.
        rollup_age_seconds: delay of the business marts.
        experience_error_ratio: share of browser requests that failed.
        experience_load_seconds: page load time, 75th percentile.
    """

    roi_ratio: float | None = None
    revenue_ratio: float | None = None
    forecast_error_ratio: float | None = None
    forecast_coverage_ratio: float | None = None
    risk_ratio: float | None = None
    churn_ratio: float | None = None
    payment_success_ratio: float | None = None
    mtta_seconds: float | None = None
    mttr_seconds: float | None = None
    pages_per_week: float | None = None
    unacknowledged_ratio: float | None = None
    actions_failed_ratio: float | None = None
    availability_ratio: float | None = None
    drift_scored_age_seconds: float | None = None
    models_drifted_ratio: float | None = None
    accuracy_margin: float | None = None
    pipeline_health_ratio: float | None = None
    rollup_age_seconds: float | None = None
    experience_error_ratio: float | None = None
    experience_load_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The range over which an indicator goes from unacceptable to good.

    Attributes:
        bad: scores 0 from here on.
        good: scores 1 from here on.
        unit: `ratio`, `seconds` or empty.
        why: the reason for both.
    """

    bad: float
    good: float
    unit: str
    why: str

    @property
    def logarithmic(self) -> bool:
        """Whether the score is linear in the logarithm of the value, as for times."""
        return self.unit == "seconds"


THRESHOLDS = {
    "roi_ratio": Thresholds(bad=0.0, good=1.0, unit="ratio", why="0 is break-even, at 1 revenue is twice the cost"),
    "revenue_ratio": Thresholds(bad=0.7, good=1.0, unit="ratio", why="revenue above the forecast needs no action"),
    "forecast_error_ratio": Thresholds(
        bad=0.5, good=0.1, unit="ratio", why="measured: flights 8%, cash machines 20%, a shop by country 70%"
    ),
    "forecast_coverage_ratio": Thresholds(
        bad=0.6, good=0.85, unit="ratio", why="nominal is 90%; over 28 days chance alone gives 80 to 100%"
    ),
    "risk_ratio": Thresholds(bad=0.25, good=0.0, unit="ratio", why="a quarter of revenue depends on open incidents"),
    "churn_ratio": Thresholds(
        bad=0.8, good=0.3, unit="ratio", why="a real shop lost 32 to 44% a quarter (UCI Online Retail)"
    ),
    "payment_success_ratio": Thresholds(bad=0.9, good=0.98, unit="ratio", why="more than 2% failures page somebody"),
    "mtta_seconds": Thresholds(bad=3600.0, good=300.0, unit="seconds", why="after 5 minutes the next tier is notified"),
    "mttr_seconds": Thresholds(bad=86_400.0, good=3600.0, unit="seconds", why="DORA: within an hour, within a day"),
    "pages_per_week": Thresholds(
        bad=28.0, good=4.0, unit="", why="Google SRE: at most two incidents a shift of 12 hours"
    ),
    "unacknowledged_ratio": Thresholds(bad=0.5, good=0.0, unit="ratio", why="half of the incidents without an owner"),
    "actions_failed_ratio": Thresholds(
        bad=0.25, good=0.02, unit="ratio", why="at one failure in four a person does better"
    ),
    "availability_ratio": Thresholds(
        bad=0.99, good=0.999, unit="ratio", why="two nines, 7 h a month; three, 44 minutes"
    ),
    "drift_scored_age_seconds": Thresholds(
        bad=21_600.0, good=1800.0, unit="seconds", why="two ticks of 15 minutes; a quarter of a day"
    ),
    "models_drifted_ratio": Thresholds(bad=0.5, good=0.0, unit="ratio", why="half of the models have drifted inputs"),
    "accuracy_margin": Thresholds(
        bad=-0.05, good=0.02, unit="ratio", why="below the floor is broken, just above it is at risk"
    ),
    "pipeline_health_ratio": Thresholds(bad=0.6, good=0.95, unit="ratio", why="one run in twenty may be slow or fail"),
    "rollup_age_seconds": Thresholds(bad=86_400.0, good=7200.0, unit="seconds", why="data of today; data of yesterday"),
    "experience_error_ratio": Thresholds(bad=0.02, good=0.001, unit="ratio", why="2% pages somebody"),
    "experience_load_seconds": Thresholds(bad=4.0, good=2.5, unit="seconds", why="Web Vitals: good and poor loading"),
}

WEIGHTS: dict[str, dict[str, float]] = {
    "executive": {
        "revenue_ratio": 3,
        "roi_ratio": 3,
        "risk_ratio": 2,
        "churn_ratio": 1,
        "availability_ratio": 1,
        "rollup_age_seconds": 1,
    },
    "technical": {
        "accuracy_margin": 3,
        "models_drifted_ratio": 2,
        "drift_scored_age_seconds": 2,
        "pipeline_health_ratio": 2,
        "actions_failed_ratio": 1,
        "mttr_seconds": 1,
    },
    "operations": {
        "availability_ratio": 3,
        "mtta_seconds": 2,
        "mttr_seconds": 2,
        "pages_per_week": 2,
        "unacknowledged_ratio": 2,
        "actions_failed_ratio": 1,
        "experience_error_ratio": 2,
        "experience_load_seconds": 1,
    },
    "business": {
        "revenue_ratio": 3,
        "payment_success_ratio": 3,
        "forecast_error_ratio": 2,
        "forecast_coverage_ratio": 1,
        "churn_ratio": 2,
        "experience_error_ratio": 1,
        "rollup_age_seconds": 2,
    },
}
"""Indicators of each stakeholder group with their weights: 3 for its main purpose, 1 for context."""
