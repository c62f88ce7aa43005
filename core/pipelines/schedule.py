"""The schedule of a run: what each stage waited for, the critical path, and when the run would have ended otherwise.

A stage waited for the stages that it depends on, and for those that ran between the end of the last of these and its own start.
Where its dependencies are not known, it waited for all that had ended before it. What else it waited for (a machine, an image) is its
delay, which no change here shortens.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from core.pipelines.run import Run, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A stage in the schedule.

    Attributes:
        name: of the stage.
        start: seconds since the first stage began.
        end: the same; of a stage that runs, the instant of evaluation.
        after: the executed stages that it depends on; None where that is not known.
        waits: the stages that it waited for, with these.
    """

    name: str
    start: float
    end: float
    after: AbstractSet[str] | None
    waits: AbstractSet[str] = frozenset()

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.end - self.start

    @property
    def beside(self) -> AbstractSet[str]:
        """What it waited for without depending on it."""
        return frozenset() if self.after is None else self.waits - self.after


def schedule(run: Run, now: datetime | None = None) -> tuple[Slot, ...]:
    """The executed stages whose times are known, in the order in which they began.

    Args:
        run: any.
        now: until when a stage runs that has not ended; without it, such a stage is left out.
    """
    spans = [(stage, stage.span.start, stage.span.end or now) for stage in run.executed]
    known = [(stage, start, end) for stage, start, end in spans if start and end and end >= start]
    first = min((start for _, start, _ in known), default=None)
    if first is None:
        return ()
    cached = frozenset(stage.name for stage in run.stages if stage.cached)
    rows = [
        Slot(
            name=stage.name,
            start=(start - first).total_seconds(),
            end=(end - first).total_seconds(),
            after=_dependencies(stage, cached),
        )
        for stage, start, end in known
    ]
    return _waiting(sorted(rows, key=lambda slot: (slot.start, slot.end, slot.name)))


def _dependencies(stage: Stage, cached: AbstractSet[str]) -> AbstractSet[str] | None:
    if stage.execution is None or stage.execution.after is None:
        return None
    return frozenset(stage.execution.after) - cached


def _waiting(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """The slots with what they waited for; dependencies that had not ended before a start are not believed."""
    found: list[Slot] = []
    for slot in slots:
        ended = {other.name: other for other in found if other.end <= slot.start}
        after = None if slot.after is None or slot.after - ended.keys() else slot.after
        ready = max((ended[name].end for name in after or ()), default=0.0)
        between = {name for name, other in ended.items() if after is None or other.start >= ready}
        found.append(replace(slot, after=after, waits=frozenset(between | (after or set()))))
    return tuple(found)


def critical_path(slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """The stages, each of which waited for the one before it, that end with the last stage; the first one first.

    Args:
        slots: of a run, see `schedule`.
    """
    known = {slot.name: slot for slot in slots}
    path = [max(slots, key=_by_end)] if slots else []
    while path and path[-1].waits:
        path.append(max((known[name] for name in path[-1].waits), key=_by_end))
    return tuple(reversed(path))


def _by_end(slot: Slot) -> tuple[float, str]:
    return slot.end, slot.name


def starts_and_ends(slots: Sequence[Slot], *, freed: str = "", skipped: str = "") -> Mapping[str, tuple[float, float]]:
    """When each stage would have begun and ended, in seconds since the first one began.

    All others wait for what they waited for, and have the same delay and duration: so without a change these are the observed times.

    Args:
        slots: of a run, see `schedule`.
        freed: a stage that waits for its dependencies alone.
        skipped: a stage that takes no time.
    """
    observed = {slot.name: slot.end for slot in slots}
    times: dict[str, tuple[float, float]] = {}
    for slot in slots:
        delay = slot.start - max((observed[name] for name in slot.waits), default=0.0)
        waits = (slot.after or frozenset()) if slot.name == freed else slot.waits
        start = delay + max((times[name][1] for name in waits), default=0.0)
        times[slot.name] = start, start + (0.0 if slot.name == skipped else slot.seconds)
    return times


def saved_seconds(slots: Sequence[Slot], *, freed: str = "", skipped: str = "") -> float:
    """By how much earlier the last stage would have ended; arguments as for `starts_and_ends`."""
    times = starts_and_ends(slots, freed=freed, skipped=skipped)
    observed = max((slot.end for slot in slots), default=0.0)
    return max(0.0, observed - max((end for _, end in times.values()), default=0.0))
