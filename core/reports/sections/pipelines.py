"""Pipelines in the week: runs, failures, and the stage that takes longest."""

from core.detection import Outcome
from core.reports.changes import of_shares
from core.reports.document import Chart, Figure, Number, SectionDocument, Series, Statement, Table
from core.reports.queries import PIPELINES, STAGES
from core.reports.rows import PipelineWeek
from core.reports.section import Facts, Section

MOST_SHOWN = 12


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    rows = facts.rows(PIPELINES)
    runs, failed, before, failed_before = (
        sum(getattr(row, name) for row in rows) for name in ("runs", "failed", "runs_before", "failed_before")
    )
    if not runs:
        return SectionDocument(name="", title="", unknown=("ops.pipeline_runs has no run that ended in this week",))
    effect = of_shares(failed, runs, failed_before, before)
    number, every = _count(failed, "Runs that failed."), _count(runs, "Runs that ended.")
    rose = failed * max(before, 1) > failed_before * runs
    said = Statement(
        parts=(
            number,
            " of ",
            every,
            " runs failed, after ",
            _count(failed_before, "Runs that failed in the week before."),
            " of ",
            _count(before, "Runs that ended in the week before."),
            " in the week before.",
        ),
        outcome=Outcome.of(bad=rose if effect >= 1 else failed > 0),
        effect=effect,
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said, *_bottleneck(facts)),
        figures=(Figure(name="Failed pipeline runs", number=number, note=("of ", every), outcome=said.outcome),),
        tables=(_table(rows),),
        charts=_charts(facts),
    )


SECTION = Section(name="pipelines", title="Pipelines", reads=(PIPELINES,), also=(STAGES,), write=write)


def _count(count: int, basis: str) -> Number:
    return Number(value=float(count), query=PIPELINES.name, basis=basis)


def _bottleneck(facts: Facts) -> tuple[Statement, ...]:
    stages = facts.rows(STAGES)
    if not stages:
        return ()
    slowest = max(stages, key=lambda row: row.seconds)
    share = Number(
        value=slowest.share, unit="ratio", query=STAGES.name, basis="Share of the time of all stages of its pipeline."
    )
    seconds = Number(
        value=slowest.seconds, unit="seconds", query=STAGES.name, basis="Mean duration of the stage in the week."
    )
    return (
        Statement(
            parts=(
                f"The longest stage is {slowest.stage} of {slowest.pipeline}: ",
                seconds,
                " on average, ",
                share,
                " of its pipeline.",
            )
        ),
    )


def _seconds(value: float | None) -> Number:
    return Number(
        value=value,
        unit="seconds",
        query=PIPELINES.name,
        basis="Mean duration of runs that succeeded.",
        reason="no run has a known duration",
    )


def _table(rows: tuple[PipelineWeek, ...]) -> Table:
    ordered = sorted(rows, key=lambda row: (-row.failed, -row.runs, row.pipeline))
    return Table(
        title="Pipelines" if len(rows) <= MOST_SHOWN else f"Pipelines, the {MOST_SHOWN} with the most failures",
        columns=("Pipeline", "Runs", "Failed", "Failed the week before", "Duration", "Week before"),
        rows=tuple(
            (
                row.pipeline,
                _count(row.runs, "Runs that ended."),
                _count(row.failed, "Runs that failed."),
                _count(row.failed_before, "Runs that failed in the week before."),
                _seconds(row.seconds),
                _seconds(row.seconds_before),
            )
            for row in ordered[:MOST_SHOWN]
        ),
    )


def _charts(facts: Facts) -> tuple[Chart, ...]:
    stages = sorted(facts.rows(STAGES), key=lambda row: -row.seconds)[:8]
    if not stages:
        return ()
    return (
        Chart(
            title="Longest stages, mean duration (s)",
            kind="bars",
            unit="seconds",
            labels=tuple(f"{row.pipeline} / {row.stage}" for row in stages),
            series=(Series(name="This week", values=tuple(row.seconds for row in stages)),),
            query=STAGES.name,
        ),
    )
