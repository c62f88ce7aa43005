"""Incidents of the week: how many, what they cost, how long they took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from core.detection import Outcome
from core.events import Severity
from core.incidents.endings import EndedBy, ended_by
from core.incidents.impact import Loss, loss_within, with_measured
from core.incidents.measured import MeasuredLoss
from core.incidents.model import Incident
from core.incidents.response_times import ResponseRecord, response_times
from core.reports.changes import of_counts
from core.reports.document import NOT_KNOWN, Chart, Figure, Number, SectionDocument, Series, Statement, Table
from core.reports.queries import INCIDENTS, LOSSES
from core.reports.rows import IncidentLoss
from core.reports.section import Facts, Section
from core.reports.weeks import Week
from core.text import clean, instant

MOST_SHOWN = 5
_DISJOINT = 1.5
"""The effect of a difference where the two intervals do not touch."""
_TITLE = 90
_RECORD = tuple(field.name for field in fields(ResponseRecord))
_MEASURED, _ESTIMATED = "measured", "estimated"
_HOW = {_MEASURED: "measured by the orders that came", _ESTIMATED: "estimated by the revenue at risk"}
_LOSS = (
    "Measured where the orders of the targets are known: usual revenue less what came. Else the revenue at risk by the hour, from the"
    " opening to the mitigation or the end; where such incidents overlap, each counts. Of each incident its share in the week."
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
    known = _known(facts.rows(INCIDENTS), facts.rows(LOSSES))
    counted = [one.incident for one in known]
    lost, lost_before = _lost(known, week), _lost(known, before)
    opened, opened_before = _opened(counted, week), _opened(counted, before)
    return SectionDocument(
        name="",
        title="",
        statements=(
            _count(opened, opened_before),
            _cost(lost, lost_before, _bases(known, week)),
            *_times(counted, week),
        ),
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
        tables=(_by_severity(known, week), *_largest(known, week)),
        charts=_charts(opened, opened_before),
        notes=(
            "Incidents count in the week in which they opened; times in the week of the acknowledgement or resolution.",
            _LOSS,
        ),
        unknown=_unknown(known, week),
    )


SECTION = Section(name="incidents", title="Incidents", reads=(INCIDENTS,), also=(LOSSES,), write=write)


def _opened(incidents: Iterable[Incident], week: Week) -> list[Incident]:
    return [one for one in incidents if week.since <= one.opened_at < week.until]


def _number(count: int, basis: str = "Incidents that opened, without false alarms and parts of others.") -> Number:
    return Number(value=float(count), query=INCIDENTS.name, basis=basis)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """An incident with its measured loss in place of the estimated one, where there is one."""

    incident: Incident
    measured: MeasuredLoss | None

    @property
    def basis(self) -> str:
        """What its loss is known by; empty where it is not known."""
        if self.measured is not None and not self.measured.unknown:
            return _MEASURED
        return _ESTIMATED if self.incident.impact or self.incident.loss else ""

    def loss(self, week: Week) -> Loss | None:
        """Its loss within a week; None where it is not known."""
        return loss_within(self.incident, week.since, week.until) if self.basis else None


def _known(incidents: Iterable[Incident], losses: Iterable[IncidentLoss]) -> list[_Known]:
    measured = {one.incident_id: one.loss for one in losses}
    return [
        _Known(incident=with_measured(one, measured.get(one.id)), measured=measured.get(one.id))
        for one in incidents
        if not one.cancelled and not one.merged_into
    ]


def _within(known: Iterable[_Known], week: Week) -> list[_Known]:
    """Those that lasted in a week."""
    return [
        one
        for one in known
        if one.incident.opened_at < week.until
        and (one.incident.ended_at is None or one.incident.ended_at >= week.since)
    ]


def _lost(known: Iterable[_Known], week: Week) -> Loss | None:
    """The loss of all; None where that of none is known, though there were some."""
    within = _within(known, week)
    losses = [loss for one in within if (loss := one.loss(week))]
    if within and not losses:
        return None
    return Loss(
        dollars=sum(one.dollars for one in losses),
        low=sum(one.low for one in losses),
        high=sum(one.high for one in losses),
    )


def _bases(known: Iterable[_Known], week: Week) -> str:
    """How many losses are measured, and how many estimated, as the end of a sentence."""
    bases = [one.basis for one in _within(known, week) if one.basis]
    counts = {basis: bases.count(basis) for basis in (_MEASURED, _ESTIMATED)}
    return "".join(f"; {count} {_HOW[basis]}" for basis, count in counts.items() if count)


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


def _cost(lost: Loss | None, before: Loss | None, bases: str) -> Statement:
    """The loss; a headline where it is more than the intervals of the two weeks explain."""
    more = lost is not None and before is not None and lost.low > before.high
    less = lost is not None and before is not None and lost.high < before.low
    return Statement(
        parts=(
            "Lost to incidents: ",
            _dollars(lost),
            ", after ",
            _dollars(before),
            f" in the week before{bases}.",
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


def _by_severity(known: Sequence[_Known], week: Week) -> Table:
    rows = []
    for severity in reversed(Severity):
        of_it = [one for one in known if _worst(one.incident) is severity]
        some = [one.incident for one in of_it]
        times = response_times(map(_record, some), week.since, week.until)
        rows.append(
            (
                severity.value.capitalize(),
                _number(len(_opened(some, week))),
                _number(len(_opened(some, week.before()))),
                _seconds(times.mtta, times.n_acknowledged, "acknowledged"),
                _seconds(times.mttr, times.n_resolved, "resolved"),
                _dollars(_lost(of_it, week), alone=True),
            )
        )
    columns = ("Severity", "Opened", "Week before", "Time to acknowledge", "Time to resolve", "Lost")
    return Table(title="Incidents by severity", columns=columns, rows=tuple(rows))


def _worst(incident: Incident) -> Severity:
    return max(incident.severity, incident.peak, key=lambda severity: severity.rank)


def _largest(known: Iterable[_Known], week: Week) -> tuple[Table, ...]:
    """The incidents that cost most in the week."""
    losses = [(one, one.loss(week)) for one in _within(known, week)]
    ordered = sorted(losses, key=lambda pair: (-(pair[1].dollars if pair[1] else 0.0), *_urgency(pair[0].incident)))
    rows = tuple(
        (
            clean(one.incident.title, _TITLE),
            instant(one.incident.opened_at),
            _dollars(loss),
            one.basis or NOT_KNOWN,
            _ENDINGS[ending] if (ending := ended_by(one.incident)) else "lasts",
        )
        for one, loss in ordered[:MOST_SHOWN]
    )
    columns = ("Incident", "Opened", "Lost", "Basis", "Ended by")
    return (Table(title="Largest incidents", columns=columns, rows=rows),) if rows else ()


def _urgency(incident: Incident) -> tuple[int, datetime]:
    return -_worst(incident).rank, incident.opened_at


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


def _unknown(known: Sequence[_Known], week: Week) -> tuple[str, ...]:
    """Incidents without any loss, and those whose orders say nothing."""
    within = _within(known, week)
    without = sum(not one.basis for one in within)
    lines = (
        [f"the impact of {without} of {len(within)} incidents: no revenue is mapped to their targets"]
        if without
        else []
    )
    reasons = [one.measured.unknown for one in within if one.measured and one.measured.unknown]
    lines += [f"the measured loss of {len(reasons)} of {len(within)} incidents: {clean(reasons[0])}"] if reasons else []
    return tuple(lines)
