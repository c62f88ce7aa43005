"""Customers at the end of the week: how many, churn, and lifetime value."""

from core.detection import Outcome
from core.reports.daily import Daily, Trend
from core.reports.document import Figure, SectionDocument, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

_STATES = {
    "active": ("Active customers", "Customers who ordered within the period of the settings."),
    "new": ("New customers", "Customers whose first order is within the period."),
    "lapsed": ("Lapsed customers", "Customers who ordered before the period, and not in it."),
}


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    trends = {title: daily.trend("aia_customers", "", basis, state=state) for state, (title, basis) in _STATES.items()}
    churn = daily.trend(
        "aia_customer_churn_ratio",
        "ratio",
        "Share of the customers of the period before who did not order in this one.",
    )
    value = daily.trend(
        "aia_customer_lifetime_value_dollars",
        "dollars",
        "Expected spend of a customer in the next year, mean: BG/NBD and Gamma-Gamma.",
    )
    trends |= {"Churn": churn, "Lifetime value": value}
    known = {title: trend for title, trend in trends.items() if trend.now.is_known}
    active = trends["Active customers"]
    if not known:
        return SectionDocument(name="", title="", unknown=(active.now.reason,))
    return SectionDocument(
        name="",
        title="",
        statements=(
            Statement(
                parts=("There are ", active.now, " active customers (", active.change, " within the week)."),
                effect=active.effect,
            ),
            _statement("Churn is ", churn, rises_is_bad=True),
            _statement("The mean lifetime value of a customer is ", value, rises_is_bad=False),
        ),
        figures=(Figure(name="Customer lifetime value", number=value.now, note=(value.change, " in a week")),),
        tables=(
            Table(
                title="Customers",
                columns=("Measure", "End of the week", "Week before", "Change"),
                rows=tuple((title, trend.now, trend.before, trend.change) for title, trend in trends.items()),
            ),
        ),
        unknown=tuple(f"{title.lower()}: {trend.now.reason}" for title, trend in trends.items() if title not in known),
    )


SECTION = Section(name="customers", title="Customers", reads=(DAILY_METRICS,), write=write)


def _statement(start: str, trend: Trend, *, rises_is_bad: bool) -> Statement:
    if not trend.now.is_known:
        return Statement(parts=(start, trend.now, "."), outcome=Outcome.NOT_KNOWN)
    change = trend.change.value or 0.0
    outcome = Outcome.of(bad=(change > 0) is rises_is_bad) if trend.effect >= 1 else None
    return Statement(
        parts=(start, trend.now, " (", trend.change, " within the week)."), outcome=outcome, effect=trend.effect
    )
