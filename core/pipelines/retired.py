"""Which pipelines are no longer started, so that nothing is said of them any more."""

from datetime import datetime, timedelta

from core.pipelines.state import PipelineState
from core.pipelines.usual import rhythm

RETIRED_AFTER, RETIRED_INTERVALS = timedelta(days=8), 10
"""Late for so long, and without a word for so many intervals: nobody starts it any more."""
FORGOTTEN_AFTER = timedelta(days=90)
"""Without a word for so long nothing is kept of it, whatever its rhythm."""


def is_retired(line: PipelineState, now: datetime) -> bool:
    """Whether a pipeline is taken to be no longer started.

    Its runs are kept until it is forgotten: what pauses for longer, as from one quarter to the next, is known again.

    Args:
        line: what is remembered of it.
        now: the instant that is asked for.
    """
    return line.last is not None and now - line.last > _retired_after(line)


def is_forgotten(line: PipelineState, now: datetime) -> bool:
    """Whether nothing was told of a pipeline for so long that nothing is kept of it."""
    return line.last is not None and now - line.last > FORGOTTEN_AFTER


def _retired_after(line: PipelineState) -> timedelta:
    found = rhythm(line.starts, line.past)
    if found is None or not found.is_regular:
        return FORGOTTEN_AFTER
    return min(FORGOTTEN_AFTER, max(found.late_after + RETIRED_AFTER, found.interval * RETIRED_INTERVALS))
