"""What is measured for each group of people, and from where to where it is good: the one table of these bounds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was measured, None or NaN where it is not known; ratios are shares of 1, times are seconds.

    Attributes:
        roi_ratio: gain less cost, as a share of cost.
        revenue_ratio: what was earned, as a share of what was expected.
        forecast_error_ratio: how far forecasts were off.
        forecast_coverage_ratio: the share of days within the bounds, which shall be 90 %.
        risk_ratio: dollars an hour at risk by open incidents, as a share of what is earned an hour.
        churn_ratio: customers of the period before who did not come again.
        payment_success_ratio: payments that did not fail.
        mtta_seconds: the mean time to acknowledge an incident.
        mttr_seconds: the mean time to resolve one.
        pages_per_week: times that somebody was called.
        unacknowledged_ratio: open incidents that nobody has acknowledged.
        actions_failed_ratio: automated responses that failed.
        availability_ratio: checks from outside that passed.
        drift_scored_age_seconds: since the newest drift report of the model that was looked at the longest ago.
        models_drifted_ratio: models of which some feature has drifted.
        accuracy_margin: accuracy less its floor, of the worst model.
        pipeline_health_ratio: how well the newest runs went, of the worst pipeline.
        rollup_age_seconds: since the instant up to which the business tables are complete.
        experience_error_ratio: requests of people that failed.
        experience_load_seconds: how long a page takes to load, the 75th percentile.
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
class Bound:
    """Between which values a fact goes from unacceptable to good.

    Attributes:
        bad: from here on it scores 0.
        good: from here on it scores 1.
        unit: for people: `ratio`, `seconds` or nothing.
        why: where the two come from.
    """

    bad: float
    good: float
    unit: str
    why: str

    @property
    def by_factor(self) -> bool:
        """Whether each doubling counts the same, as with times, and not each step."""
        return self.unit == "seconds"


BOUNDS = {
    "roi_ratio": Bound(bad=0.0, good=1.0, unit="ratio", why="at 0 it pays for itself, at 1 it brings in double"),
    "revenue_ratio": Bound(
        bad=0.7, good=1.0, unit="ratio", why="less than expected; above it there is nothing to mend"
    ),
    "forecast_error_ratio": Bound(
        bad=0.5, good=0.1, unit="ratio", why="cash machines are off by 22 %, flights by 7 %: see docs/forecast.md"
    ),
    "forecast_coverage_ratio": Bound(
        bad=0.6, good=0.85, unit="ratio", why="90 % is promised; of 28 days, chance alone gives 80 to 100 %"
    ),
    "risk_ratio": Bound(bad=0.25, good=0.0, unit="ratio", why="a quarter of the revenue is more than any day is off"),
    "churn_ratio": Bound(
        bad=0.8, good=0.3, unit="ratio", why="a real shop lost 32 to 44 % a quarter (UCI Online Retail)"
    ),
    "payment_success_ratio": Bound(bad=0.9, good=0.98, unit="ratio", why="people are called when more than 2 % fail"),
    "mtta_seconds": Bound(bad=3600.0, good=300.0, unit="seconds", why="after 5 minutes the next tier is told"),
    "mttr_seconds": Bound(bad=86_400.0, good=3600.0, unit="seconds", why="DORA: within an hour, within a day"),
    "pages_per_week": Bound(bad=28.0, good=4.0, unit="", why="Google SRE: at most two incidents a shift of 12 hours"),
    "unacknowledged_ratio": Bound(bad=0.5, good=0.0, unit="ratio", why="half of them with nobody at work"),
    "actions_failed_ratio": Bound(bad=0.25, good=0.02, unit="ratio", why="a person does better than three of four"),
    "availability_ratio": Bound(bad=0.99, good=0.999, unit="ratio", why="two nines, 7 h a month; three, 44 minutes"),
    "drift_scored_age_seconds": Bound(
        bad=21_600.0, good=1800.0, unit="seconds", why="two ticks of a quarter of an hour; a quarter of a day"
    ),
    "models_drifted_ratio": Bound(bad=0.5, good=0.0, unit="ratio", why="half of the models see what they never learnt"),
    "accuracy_margin": Bound(
        bad=-0.05, good=0.02, unit="ratio", why="below the floor it is broken, just above it, at risk"
    ),
    "pipeline_health_ratio": Bound(bad=0.6, good=0.95, unit="ratio", why="one run of twenty may be slow or fail"),
    "rollup_age_seconds": Bound(
        bad=86_400.0, good=7200.0, unit="seconds", why="figures of today; figures of yesterday"
    ),
    "experience_error_ratio": Bound(bad=0.02, good=0.001, unit="ratio", why="people are called for at 2 %"),
    "experience_load_seconds": Bound(bad=4.0, good=2.5, unit="seconds", why="Web Vitals: good and poor loading"),
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
"""What each group cares for, and how much: 3 is what it is there for, 1 what it also wants to know."""
