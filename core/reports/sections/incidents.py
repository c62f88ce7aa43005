"""Incidents of the week: how many, what they cost, how long they took."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import timedelta

from core.detection import Outcome
from core.events import Severity
from core.incidents.endings import EndedBy, ended_by
from core.incidents.impact import Loss, estimate_loss
from core.incidents.model import Incident
from core.incidents.report import ResponseRecord, response_times
from core.reports.changes import of_counts
from core.reports.document import Chart, Figure, Number, SectionDocument, Series, Statement, Table
from core.reports.queries import INCIDENTS
from core.reports.section import Facts, Section
from core.reports.weeks import Week
from core.text import clean

MOST_SHOWN = 5
_DISJOINT = 1.5
"""The effect of a difference where the two intervals do not touch."""
_TITLE = 90
_RECORD = tuple(field.name for field in fields(ResponseRecord))
_LOSS = (
    "Impact by the hour from the opening to the mitigation or the end, of each incident its share in the week. Where incidents"
    " overlap, each counts."
)
_ENDINGS = {
    EndedBy.ACTION: "an automated action",
    EndedBy.PEOPLE: "people",
    EndedBy.ITSELF: "itself",
    EndedBy.UNKNOWN: "not known",
}


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    week, before = facts.week, facts.week.before()
    counted = [one for one in facts.rows(INCIDENTS) if not one.cancelled and not one.merged_into]
    lost, lost_before = _lost(counted, week), _lost(counted, before)
    opened, opened_before = _opened(counted, week), _opened(counted, before)
    return SectionDocument(
        name="",
        title="",
        statements=(_count(opened, opened_before), _cost(lost, lost_before), *_times(counted, week)),
        figures=(
            Figure(
                name="Incidents", number=_number(len(opened)), note=(_number(len(opened_before)), " in the week before")
            ),
            Figure(
                name="Lost to incidents",
                number=_dollars(lost),
                note=(_dollars(lost_before, alone=True), " in the week before"),
            ),
        ),
        tables=(_by_severity(counted, week), *_largest(counted, week)),
        charts=_charts(opened, opened_before),
        notes=(
            "Incidents count in the week in which they opened; times in the week of the acknowledgement or resolution.",
            _LOSS,
        ),
        unknown=_unknown(opened),
    )


SECTION = Section(name="incidents", title="Incidents", reads=(INCIDENTS,), write=write)


def _opened(incidents: Iterable[Incident], week: Week) -> list[Incident]:
    return [one for one in incidents if week.since <= one.opened_at < week.until]


def _number(count: int, basis: str = "Incidents that opened, without false alarms and parts of others.") -> Number:
    return Number(value=float(count), query=INCIDENTS.name, basis=basis)


def loss_in(incident: Incident, week: Week) -> Loss:
    """The loss of an incident within a week: of one that lasts longer, its share of the time."""
    loss = estimate_loss(incident, week.until)
    start = incident.opened_at
    end = min(at for at in (week.until, incident.mitigated_at, incident.ended_at) if at is not None)
    if end <= start:
        share = 1.0 if week.since <= start < week.until else 0.0
    else:
        share = max(0.0, (end - max(start, week.since)) / (end - start))
    return Loss(dollars=loss.dollars * share, low=loss.low * share, high=loss.high * share)


def _lost(incidents: Iterable[Incident], week: Week) -> Loss | None:
    """The loss of all; None where the impact of none is known, though there were some."""
    within = [
        one for one in incidents if one.opened_at < week.until and (one.ended_at is None or one.ended_at >= week.since)
    ]
    known = [loss_in(one, week) for one in within if one.impact or one.loss]
    if within and not known:
        return None
    return Loss(
        dollars=sum(one.dollars for one in known),
        low=sum(one.low for one in known),
        high=sum(one.high for one in known),
    )


def _dollars(loss: Loss | None, *, alone: bool = False) -> Number:
    has_range = loss is not None and loss.high > loss.low and not alone
    return Number(
        value=loss.dollars if loss else None,
        low=loss.low if loss and has_range else None,
        high=loss.high if loss and has_range else None,
        unit="dollars",
        query=INCIDENTS.name,
        basis=_LOSS,
        reason="no revenue is mapped to the targets of the incidents",
    )


def _count(opened: Sequence[Incident], before: Sequence[Incident]) -> Statement:
    effect = of_counts(len(opened), len(before))
    chance = "" if effect >= 1 or not before else " The difference may be chance."
    return Statement(
        parts=(
            _number(len(opened)),
            f" {_noun(opened)} opened, after ",
            _number(len(before)),
            f" in the week before.{chance}",
        ),
        outcome=Outcome.of(bad=len(opened) > len(before)) if effect >= 1 else None,
        effect=effect,
    )


def _noun(incidents: Sequence[Incident]) -> str:
    return "incident" if len(incidents) == 1 else "incidents"


def _cost(lost: Loss | None, before: Loss | None) -> Statement:
    """The loss; a headline where it is more than the intervals of the two weeks explain."""
    more = lost is not None and before is not None and lost.low > before.high
    less = lost is not None and before is not None and lost.high < before.low
    return Statement(
        parts=(
            "Lost to incidents: an estimated ",
            _dollars(lost),
            ", after ",
            _dollars(before),
            " in the week before.",
        ),
        outcome=Outcome.BAD if more else Outcome.GOOD if less else Outcome.NOT_KNOWN if lost is None else None,
        effect=_DISJOINT if more or less else 0.0,
    )


def _times(incidents: Iterable[Incident], week: Week) -> list[Statement]:
    times = response_times(map(_record, incidents), week.since, week.until)
    acknowledged = _seconds(times.mtta, times.n_acknowledged, "acknowledged")
    resolved = _seconds(times.mttr, times.n_resolved, "resolved")
    if not times.n_acknowledged and not times.n_resolved:
        return []
    return [
        Statement(
            parts=("The mean time to acknowledge was ", acknowledged, ", the mean time to resolve ", resolved, ".")
        )
    ]


def _record(incident: Incident) -> ResponseRecord:
    return ResponseRecord(**{name: getattr(incident, name) for name in _RECORD})


def _seconds(span: timedelta | None, count: int, word: str) -> Number:
    basis = f"Mean over {count} {word} in the week."
    value = None if span is None else span.total_seconds()
    return Number(value=value, unit="seconds", query=INCIDENTS.name, basis=basis, reason=f"none was {word} in the week")


def _by_severity(incidents: Sequence[Incident], week: Week) -> Table:
    rows = []
    for severity in reversed(Severity):
        some = [one for one in incidents if _worst(one) is severity]
        times = response_times(map(_record, some), week.since, week.until)
        rows.append(
            (
                severity.value.capitalize(),
                _number(len(_opened(some, week))),
                _number(len(_opened(some, week.before()))),
                _seconds(times.mtta, times.n_acknowledged, "acknowledged"),
                _seconds(times.mttr, times.n_resolved, "resolved"),
                _dollars(_lost(some, week), alone=True),
            )
        )
    columns = ("Severity", "Opened", "Week before", "Time to acknowledge", "Time to resolve", "Lost")
    return Table(title="Incidents by severity", columns=columns, rows=tuple(rows))


def _worst(incident: Incident) -> Severity:
    return max(incident.severity, incident.peak, key=lambda severity: severity.rank)


def _largest(incidents: Iterable[Incident], week: Week) -> tuple[Table, ...]:
    """The incidents that cost most in the week."""
    within = [
        one for one in incidents if one.opened_at < week.until and (one.ended_at is None or one.ended_at >= week.since)
    ]
    ordered = sorted(within, key=lambda one: (-loss_in(one, week).dollars, -_worst(one).rank, one.opened_at))
    rows = tuple(
        (
            clean(one.title, _TITLE),
            f"{one.opened_at:%a %H:%M} UTC",
            _dollars(loss_in(one, week) if one.impact or one.loss else None),
            _ENDINGS[ending] if (ending := ended_by(one)) else "lasts",
        )
        for one in ordered[:MOST_SHOWN]
    )
    return (
        (Table(title="Largest incidents", columns=("Incident", "Opened", "Lost", "Ended by"), rows=rows),)
        if rows
        else ()
    )


def _charts(opened: Sequence[Incident], before: Sequence[Incident]) -> tuple[Chart, ...]:
    if not opened and not before:
        return ()
    severities = list(reversed(Severity))
    counts = [
        tuple(float(sum(_worst(one) is severity for one in some)) for severity in severities)
        for some in (opened, before)
    ]
    return (
        Chart(
            title="Incidents that opened, by severity",
            kind="bars",
            unit="",
            labels=tuple(severity.value.capitalize() for severity in severities),
            series=(Series(name="This week", values=counts[0]), Series(name="Week before", values=counts[1])),
            query=INCIDENTS.name,
        ),
    )


def _unknown(opened: Sequence[Incident]) -> tuple[str, ...]:
    without = sum(one.impact is None and not one.loss for one in opened)
    return (
        (f"the impact of {without} of {len(opened)} incidents: no revenue is mapped to their targets",)
        if without
        else ()
    )
