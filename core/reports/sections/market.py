"""Our place in the market at the end of the week, and growth against a quarter and a year before."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.detection import Outcome
from core.reports.daily import Daily
from core.reports.document import Chart, Figure, Number, SectionDocument, Series, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section
from core.text import clean, instant

MOST_SHOWN = 8
_SHARE = "aia_market_share_ratio"
_GROWTH, _DATES = "aia_market_growth_ratio", "aia_market_period_timestamp_seconds"
_NAMES = 120
_HALF = timedelta(hours=12)
"""Within the first and the last day of a period, in whatever time zone its midnights are."""
_AGAINST = ("quarter", "year")
_BASIS = "Share of the sales of the market over the days of the settings."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    share = daily.trend(_SHARE, "ratio", _BASIS, company=facts.company)
    rank = daily.trend("aia_market_rank", "", "Our rank by market share; 1 is the largest.").now
    if not share.now.is_known:
        reason = share.now.reason if facts.company else "the settings name no market"
        return SectionDocument(name="", title="", unknown=(reason,))
    fell = (share.change.value or 0.0) < 0
    said = Statement(
        parts=(
            f"The market share of {facts.company} is ",
            share.now,
            " (",
            share.change,
            " within the week); its rank is ",
            rank,
            ".",
        ),
        outcome=Outcome.of(bad=fell) if share.effect >= 1 else None,
        effect=share.effect,
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said, *_grown(daily)),
        figures=(Figure(name="Market share", number=share.now, note=("rank ", rank)),),
        tables=_table(daily),
        charts=(_chart(daily, facts.company),),
        notes=_source(daily),
        unknown=tuple(
            f"growth against a {against} before: the table does not go back to it"
            for against in _AGAINST
            if not _growth(daily, "ours", against).is_known
        ),
    )


SECTION = Section(name="market", title="Market", reads=(DAILY_METRICS,), write=write)


def _growth(daily: Daily, of: str, against: str) -> Number:
    basis = f"Sales of the period against those of the same weekdays a {against} before."
    return daily.trend(_GROWTH, "ratio", basis, of=of, against=against).now


def _grown(daily: Daily) -> Iterator[Statement]:
    """Growth against the nearest period that is known."""
    for against in _AGAINST:
        ours, market = (replace(_growth(daily, of, against), change=True) for of in ("ours", "market"))
        if ours.value is not None:
            less = market.value is not None and ours.value < market.value
            parts = (
                f"Against a {against} before, our sales changed by ",
                ours,
                ", those of all companies by ",
                market,
                ".",
            )
            yield Statement(parts=parts, outcome=Outcome.BAD if less else None)
            return


def _table(daily: Daily) -> tuple[Table, ...]:
    rows = [
        (f"A {against}", dates, replace(ours, change=True), replace(_growth(daily, "market", against), change=True))
        for against in _AGAINST
        if (ours := _growth(daily, "ours", against)).is_known and (dates := _dates(daily, against))
    ]
    columns = ("Against", "Sales from", "Ours", "All companies")
    return (Table(title="Growth of sales", columns=columns, rows=tuple(rows)),) if rows else ()


def _at(daily: Daily, period: str, bound: str) -> datetime | None:
    [*tables] = daily.labelled(_DATES, "table")
    values = (daily.trend(_DATES, "seconds", "", table=table, period=period, bound=bound).now.value for table in tables)
    return next((datetime.fromtimestamp(value, UTC) for value in values if value is not None), None)


def _dates(daily: Daily, period: str) -> str:
    """The days that figures of a period are about; empty where not known. Its end is midnight of the business, near that of UTC."""
    begin, end = _at(daily, period, "begin"), _at(daily, period, "end")
    if begin is None or end is None:
        return ""
    return f"{begin + _HALF:%Y-%m-%d} to {end - _HALF:%Y-%m-%d}"


def _source(daily: Daily) -> tuple[str, ...]:
    """The table of the figures, their days and the newest sale."""
    dates, newest = _dates(daily, "current"), _at(daily, "current", "newest_sale")
    if not dates:
        return ()
    table = clean(", ".join(daily.labelled(_DATES, "table")), _NAMES)
    return (f"Sales of {dates} in {table}{f'; the newest is of {instant(newest)}' if newest else ''}.",)


def _chart(daily: Daily, ours: str) -> Chart:
    shares = {
        company: daily.trend(_SHARE, "ratio", _BASIS, company=company).now.value or 0.0
        for company in daily.labelled(_SHARE, "company")
    }
    ordered = sorted(shares, key=lambda company: -shares[company])
    shown = ordered[:MOST_SHOWN]
    if ours not in shown:
        shown = [*shown[:-1], ours]
    return Chart(
        title="Market share of the largest companies (%)",
        kind="bars",
        unit="ratio",
        labels=tuple(f"{company} (ours)" if company == ours else company for company in shown),
        series=(Series(name="Market share", values=tuple(shares[company] for company in shown)),),
        query=DAILY_METRICS.name,
    )
