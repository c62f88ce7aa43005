"""Partners in the week: calls, success and latency, against the limits of the settings."""

from core.detection import Outcome
from core.reports.changes import of_shares
from core.reports.document import Number, Part, SectionDocument, Statement, Table
from core.reports.queries import PARTNERS
from core.reports.rows import PartnerWeek
from core.reports.section import Facts, Section
from core.settings import Partner

MOST_SHOWN = 12
_CALLS = "Calls in the week, each once."
_SUCCESS = "Share of the calls that did not fail."
_LATENCY = "95th percentile of the latency of the calls."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    rows = sorted(facts.rows(PARTNERS), key=lambda row: (-row.failures, -row.calls, row.partner))
    limits = {partner.name: partner for partner in facts.partners}
    called = [row for row in rows if row.calls]
    silent = sorted({*limits, *(row.partner for row in rows)} - {row.partner for row in called})
    return SectionDocument(
        name="",
        title="",
        statements=tuple(one for row in called for one in _statements(row, limits.get(row.partner))),
        tables=(_table(called, limits),) if called else (),
        unknown=tuple(f"{name}: {PARTNERS.table} has no calls of this week" for name in silent),
    )


SECTION = Section(name="partners", title="Partners", reads=(PARTNERS,), write=write)


def _statements(row: PartnerWeek, limit: Partner | None) -> list[Statement]:
    """What is beyond a limit of the settings, and a share of failed calls that chance does not explain."""
    success, effect = _success(row), of_shares(row.failures, row.calls, row.failures_before, row.calls_before)
    low = limit is not None and limit.success_ratio is not None and (success.value or 0.0) < limit.success_ratio
    slow = limit is not None and limit.latency is not None and (row.seconds or 0.0) > limit.latency.total_seconds()
    found = []
    if low or effect >= 1:
        before = _success(row, before=True)
        fell = before.value is not None and (success.value or 0.0) < before.value
        parts: tuple[Part, ...] = (
            f"{row.partner}: ",
            success,
            " of ",
            _count(row.calls),
            " calls succeeded, after ",
            before,
        )
        end = f" in the week before{'; below its floor of ' if low else '.'}"
        floor: tuple[Part, ...] = (_limit(limit.success_ratio, "ratio"), ".") if low and limit else ()
        found.append(
            Statement(parts=(*parts, end, *floor), outcome=Outcome.of(bad=low or fell), effect=max(effect, float(low)))
        )
    if slow and limit and limit.latency:
        most = _limit(limit.latency.total_seconds(), "seconds")
        parts = (f"{row.partner}: the latency was ", _latency(row.seconds), ", above its limit of ", most, ".")
        found.append(Statement(parts=parts, outcome=Outcome.BAD, effect=1.0))
    return found


def _count(count: int) -> Number:
    return Number(value=float(count), query=PARTNERS.name, basis=_CALLS)


def _success(row: PartnerWeek, *, before: bool = False) -> Number:
    calls, failures = (row.calls_before, row.failures_before) if before else (row.calls, row.failures)
    value = 1 - failures / calls if calls else None
    return Number(value=value, unit="ratio", query=PARTNERS.name, basis=_SUCCESS, reason="there were no calls")


def _latency(seconds: float | None) -> Number:
    return Number(value=seconds, unit="seconds", query=PARTNERS.name, basis=_LATENCY, reason="no call has a latency")


def _limit(value: float | None, unit: str) -> Number:
    return Number(value=value, unit=unit, query=PARTNERS.name, basis="Of the settings.", reason="none is set")


def _table(called: list[PartnerWeek], limits: dict[str, Partner]) -> Table:
    rows = []
    for row in called[:MOST_SHOWN]:
        limit = limits.get(row.partner)
        rows.append(
            (
                row.partner,
                _count(row.calls),
                _count(row.calls_before),
                _success(row),
                _limit(limit.success_ratio if limit else None, "ratio"),
                _latency(row.seconds),
                _limit(limit.latency.total_seconds() if limit and limit.latency else None, "seconds"),
            )
        )
    return Table(
        title="Partners" if len(called) <= MOST_SHOWN else f"Partners, the {MOST_SHOWN} with the most failed calls",
        columns=("Partner", "Calls", "Week before", "Succeeded", "Floor", "Latency, p95", "Limit"),
        rows=tuple(rows),
    )
