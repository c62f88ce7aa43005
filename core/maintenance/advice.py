"""Advice on the system itself: metrics that nobody uses, alarms that nobody acts on, and tables that grow without end."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from core.maintenance.backup import Manifest
from core.metrics import HISTOGRAMS

LEAST_INCIDENTS = 3
"""Incidents of a target that nobody acted on, before that is advice."""
LEAST_ROWS_A_DAY = 10_000
"""Rows that a table without a retention gains a day, before that is advice."""
_NAME = re.compile(r"\baia_[a-z0-9_]+")
_DAY = timedelta(days=1)


class AdviceKind(StrEnum):
    """What advice is about."""

    UNUSED_METRIC = "unused_metric"
    """It is written, and in no rule and on no dashboard."""
    IGNORED_ALARMS = "ignored_alarms"
    """Incidents of a target were opened, and nobody acknowledged any."""
    GROWING_TABLE = "growing_table"
    """It gains rows, and none are ever deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """One piece of advice.

    Attributes:
        kind: what it is about.
        subject: the metric, target or table.
        text: what may be done, in one sentence.
        numbers: what it is concluded from, by name.
    """

    kind: AdviceKind
    subject: str
    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def unused_metrics(catalogue: Iterable[str], texts: Iterable[str]) -> list[Advice]:
    """The metrics of the catalogue that are in none of the texts; those of a histogram are used together.

    >>> [one.subject for one in unused_metrics(["aia_up", "aia_down"], ["rate(aia_up[5m])"])]
    ['aia_down']
    """
    used = {name for text in texts for name in _NAME.findall(text)}
    parts = ({part.name for part in one.metrics} for one in HISTOGRAMS.values())
    used = used.union(*(names for names in parts if names & used))
    return [
        Advice(
            kind=AdviceKind.UNUSED_METRIC,
            subject=name,
            text="Use it in an alert rule or on a dashboard, or stop writing it.",
        )
        for name in sorted(set(catalogue) - used)
    ]


def ignored_alarms(rows: Iterable[Mapping[str, object]]) -> list[Advice]:
    """Targets whose incidents nobody acted on.

    Args:
        rows: `target`, `n_incidents` and `n_acknowledged` of each target.
    """
    found = [(str(row["target"]), int(str(row["n_incidents"])), int(str(row["n_acknowledged"]))) for row in rows]
    return [
        Advice(
            kind=AdviceKind.IGNORED_ALARMS,
            subject=target,
            text="Raise its threshold, lower its severity, or give it an owner.",
            numbers={"n_incidents": incidents, "n_acknowledged": acknowledged},
        )
        for target, incidents, acknowledged in sorted(found)
        if incidents >= LEAST_INCIDENTS and not acknowledged
    ]


def growing_tables(backups: Sequence[Manifest], kept: Iterable[str]) -> list[Advice]:
    """Tables that grow and have no retention, by the rows of the first and the last of some backups.

    Args:
        backups: in any order; with fewer than two nothing is known.
        kept: the tables with a retention.
    """
    ordered = sorted(backups, key=lambda one: one.at)
    if len(ordered) < 2 or ordered[-1].at - ordered[0].at < _DAY:  # noqa: PLR2004 - two points make a slope
        return []
    days = (ordered[-1].at - ordered[0].at) / _DAY
    before, without = {one.table: one.rows for one in ordered[0].tables}, set(kept)
    gains = [(one.table, one.rows, (one.rows - before.get(one.table, 0)) / days) for one in ordered[-1].tables]
    return [
        Advice(
            kind=AdviceKind.GROWING_TABLE,
            subject=table,
            text="Set how long its rows are kept in upkeep.retention.",
            numbers={"n_rows": rows, "rows_a_day": round(gain, 1)},
        )
        for table, rows, gain in gains
        if gain >= LEAST_ROWS_A_DAY and table not in without
    ]
