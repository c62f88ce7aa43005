"""The windows of a log's past, scored by the running system, and how many of them are there."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from core.errors import UnavailableError
from core.events import ScoringShard
from functions.adapters.ports import BulkBus, Warehouse

TOPIC: Final = "scoring"
PATIENCE_SECONDS: Final = 90.0
"""How long no further window may come."""
AGAIN_SECONDS: Final = 12.0
"""After so long without a further window, those that are missing are asked for again: instances keep settings for half a minute."""
_POLL_SECONDS: Final = 0.5
_SCORED: Final = """
SELECT DISTINCT window_end FROM ops.drift_scores_raw
WHERE window_end >= @first AND window_end IN UNNEST(@ends) AND model = @model AND written_at >= @since
"""
_NEWEST: Final = (
    "SELECT MAX(window_end) AS newest FROM ops.drift_scores_raw WHERE model = @model AND written_at >= @since"
)


def score(
    bus: BulkBus,
    warehouse: Warehouse,
    model: str,
    ends: Sequence[datetime],
    *,
    since: datetime,
    scored: Callable[[int], object],
) -> int:
    """Have windows scored, the first one alone, which learns the reference of the others.

    Args:
        bus: takes the windows.
        warehouse: has the scores.
        model: its name.
        ends: of the windows, rising.
        since: scores that were written before do not count.
        scored: called with how many more there are.

    Returns:
        How many were scored; fewer than asked for where none came for `PATIENCE_SECONDS`.
    """
    done: set[datetime] = set()
    for wanted in (ends[:1], ends):
        if missing := [at for at in wanted if at not in done]:
            _ask(bus, model, missing)
        changed = asked = time.monotonic()
        while len(done) < len(wanted):
            found, now = _found(warehouse, model, ends, since), time.monotonic()
            if len(found) > len(done):
                scored(len(found) - len(done))
                done, changed, asked = found, now, now
            elif now - changed > PATIENCE_SECONDS:
                return len(done)
            elif now - asked > AGAIN_SECONDS:
                asked = now
                _ask(bus, model, [at for at in wanted if at not in done])
            else:
                time.sleep(_POLL_SECONDS)
    return len(done)


def newest(warehouse: Warehouse, model: str, *, since: datetime) -> datetime | None:
    """When the newest window of a model ends that was scored after an instant; None where none was."""
    found: datetime | None = warehouse.query(_NEWEST, model=model, since=since)[0]["newest"]
    return found


def _ask(bus: BulkBus, model: str, ends: Sequence[datetime]) -> None:
    bus.publish_all(TOPIC, [ScoringShard(scheduled_at=at, models=(model,), past=True) for at in ends])


def _found(warehouse: Warehouse, model: str, ends: Sequence[datetime], since: datetime) -> set[datetime]:
    try:
        rows = warehouse.query(_SCORED, model=model, first=ends[0], ends=list(ends), since=since)
    except UnavailableError:  # it may be busy with the rows; the patience above ends it
        return set()
    return {row["window_end"] for row in rows}
