"""What is known of a stage beside its state: what it depends on, what it read, and what it ran on.

As the state of a run, it is a join of what all reports say, whatever their order.
"""

from dataclasses import dataclass

from core.events import PipelineRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """Execution of a stage; each attribute as in `PipelineRun`."""

    after: tuple[str, ...] | None = None
    inputs: str = ""
    cached: bool = False
    machine: str = ""
    job: str = ""
    cpu_peak: float | None = None
    memory_peak: float | None = None


_NOTHING = Execution()


def execution_of(event: PipelineRun) -> Execution | None:
    """What an event says of its stage's execution, or None."""
    said = Execution(
        after=None if event.after is None else tuple(sorted(set(event.after))),
        inputs=event.inputs,
        cached=event.cached,
        machine=event.machine,
        job=event.job,
        cpu_peak=event.cpu_peak,
        memory_peak=event.memory_peak,
    )
    return None if said == _NOTHING else said


def joined(one: Execution | None, other: Execution | None) -> Execution | None:
    """Both together: all dependencies that either names, the larger peaks, and of two texts the last by the alphabet.

    >>> one, other = Execution(after=("read",), cpu_peak=0.2), Execution(after=("check",), machine="e2-standard-4")
    >>> joined(one, other).after, joined(other, one) == joined(one, other)
    (('check', 'read'), True)
    """
    if one is None or other is None:
        return one or other
    return Execution(
        after=_both(one.after, other.after),
        inputs=max(one.inputs, other.inputs),
        cached=one.cached or other.cached,
        machine=max(one.machine, other.machine),
        job=max(one.job, other.job),
        cpu_peak=_larger(one.cpu_peak, other.cpu_peak),
        memory_peak=_larger(one.memory_peak, other.memory_peak),
    )


def _both(one: tuple[str, ...] | None, other: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if one is None or other is None:
        return other if one is None else one
    return tuple(sorted({*one, *other}))


def _larger(one: float | None, other: float | None) -> float | None:
    return max((peak for peak in (one, other) if peak is not None), default=None)
