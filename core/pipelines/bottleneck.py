"""Where the time of a run goes, and which stage takes longer than it used to."""

from collections.abc import Sequence
from dataclasses import dataclass

from core.pipelines.run import Run
from core.pipelines.usual import usual_of_stages


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A stage that took longer than usual.

    Attributes:
        stage: its name.
        seconds: that it took.
        usual: seconds that it takes usually, the median of earlier runs.
    """

    stage: str
    seconds: float
    usual: float

    @property
    def factor(self) -> float:
        """How many times as long as usual; infinite where it usually takes no time."""
        return self.seconds / self.usual if self.usual else float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """The stage that took the most of a run.

    Attributes:
        stage: its name.
        seconds: that it took.
        share: of all the time that the stages took, 0 to 1. Stages may run side by side, so it is no share of the run.
        grown: the stage that lost the most time against its usual, if any did.
    """

    stage: str
    seconds: float
    share: float
    grown: Growth | None


def bottleneck(run: Run, earlier: Sequence[Run]) -> Bottleneck | None:
    """Where the time of a run went; None where no stage's duration is known.

    Args:
        run: that is looked at.
        earlier: runs that succeeded before it, oldest first.

    >>> from datetime import UTC, datetime, timedelta
    >>> from core.events import PipelineRun, RunStatus
    >>> from core.pipelines.run import fold
    >>> noon, run = datetime(2026, 1, 2, 12, tzinfo=UTC), None
    >>> for name, minutes in (("read", 1), ("train", 3)):
    ...     end = noon + timedelta(minutes=minutes)
    ...     told = {"status": RunStatus.SUCCEEDED, "observed_at": end, "started_at": noon, "stage": name}
    ...     run = fold(run, PipelineRun(pipeline="etl", run_id="7", **told))
    >>> found = bottleneck(run, [])
    >>> found.stage, found.seconds, found.share
    ('train', 180.0, 0.75)
    """
    taken = {stage.name: stage.span.seconds for stage in run.in_order if stage.span.seconds is not None}
    if not taken:
        return None
    name = max(taken, key=lambda stage: taken[stage])
    whole = sum(taken.values())
    grown = growths(run, earlier)
    return Bottleneck(
        stage=name,
        seconds=taken[name],
        share=taken[name] / whole if whole else 1.0,
        grown=grown[0] if grown else None,
    )


def growths(run: Run, earlier: Sequence[Run]) -> list[Growth]:
    """The stages that took longer than usual, the one that lost the most time first."""
    usual = usual_of_stages(earlier)
    found = [
        Growth(stage=stage.name, seconds=stage.span.seconds, usual=usual[stage.name])
        for stage in run.in_order
        if stage.name in usual and stage.span.seconds is not None and stage.span.seconds > usual[stage.name]
    ]
    return sorted(found, key=lambda growth: growth.usual - growth.seconds)
