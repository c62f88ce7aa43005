"""Which conditions of a pipeline are watched, and why a verdict on one is what it is."""

from enum import StrEnum

from core.detection import ConditionSpec

SOURCE = "pipeline_monitor"


class Kind(StrEnum):
    """What may be noticed of a pipeline."""

    FAILED = "pipeline_failed"
    SLOW = "pipeline_slow"
    STAGE_SLOW = "stage_slow"
    OVERDUE = "pipeline_overdue"
    HUNG = "pipeline_hung"


class Reason(StrEnum):
    """Why the verdict is what it is."""

    LAST_FAILED = "last_failed"
    LAST_SUCCEEDED = "last_succeeded"
    LONGER = "longer"
    """Two runs in a row took far longer than usual."""
    AS_USUAL = "as_usual"
    """Two runs in a row did not."""
    UNDECIDED = "undecided"
    """The last run differs from those before: nothing is concluded."""
    IRREGULAR = "irregular"
    """It has no rhythm, so it cannot be late."""
    IN_TIME = "in_time"
    LATE = "late"
    RETIRED = "retired"
    """It has not run for so long that it is taken to be no longer started."""
    ENDLESS = "endless"
    """A run takes several times as long as usual and has not ended."""
    ALL_ENDED = "all_ended"
    """No run takes so long."""


def spec(target: str, kind: Kind) -> ConditionSpec:
    """A condition of a pipeline; every verdict on it is concluded from all runs that are kept."""
    runbook = f"pipelines.md#{kind}"
    return ConditionSpec(target=target, kind=kind, source=SOURCE, runbook=runbook, repeat=True, cumulative=True)


def keys(target: str) -> tuple[str, ...]:
    """The keys of all conditions of a pipeline."""
    return tuple(spec(target, kind).key for kind in Kind)
