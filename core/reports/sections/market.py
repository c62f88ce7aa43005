"""Our place in the market at the end of the week."""

from core.detection import Outcome
from core.reports.daily import Daily
from core.reports.document import Chart, Figure, SectionDocument, Series, Statement
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section

MOST_SHOWN = 8
_SHARE = "aia_market_share_ratio"
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
        statements=(said,),
        figures=(Figure(name="Market share", number=share.now, note=("rank ", rank)),),
        charts=(_chart(daily, facts.company),),
    )


SECTION = Section(name="market", title="Market", reads=(DAILY_METRICS,), write=write)


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
