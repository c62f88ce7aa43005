"""What bounds a run, and what a change of a stage would save, with the evidence for it.

Of each stage three changes are evaluated, each alone: savings of several do not add up. Without evidence nothing is claimed: the verdict
is that it is not known, and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.business.prices import MACHINE_TYPES, MachineType
from core.events import RunStatus
from core.pipelines.execution import Execution
from core.pipelines.run import Run, Stage
from core.pipelines.schedule import Slot, critical_path, saved_seconds, schedule
from core.text import money, percent

FULL = 0.8
"""The share of a smaller machine that the measured peaks may take: what is fuller may take longer there."""
LEAST_SECONDS = 1.0
"""What saves less is no change worth the name: clocks differ by as much."""
_HOUR = 3600.0
_UNREPORTED = Execution()


class Change(StrEnum):
    """A change of a stage."""

    CACHE = "cache"
    """Take its result from an earlier run that had the same inputs."""
    PARALLEL = "parallel"
    """Start it when the stages that it depends on have ended."""
    MACHINE = "smaller_machine"
    """Run it on a smaller machine type of the same family."""


class SavingVerdict(StrEnum):
    """Whether a change saves something."""

    POSSIBLE = "possible"
    NOTHING = "nothing"
    NOT_KNOWN = "not_known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a change of a stage would have saved of the run.

    Attributes:
        stage: its name.
        change: of it.
        verdict: whether it saves something.
        seconds: by how much earlier the run would have ended; None where not known.
        dollars: at list prices; None where not known.
        evidence: what this rests on, or what is missing.
    """

    stage: str
    change: Change
    verdict: SavingVerdict
    seconds: float | None
    dollars: float | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What bounds a run.

    Attributes:
        critical_path: the stages on it, the first one first.
        bound_by: the longest of them.
        savings: of every stage and change.
    """

    critical_path: tuple[str, ...]
    bound_by: str
    savings: tuple[Saving, ...]


def path_of(run: Run, now: datetime) -> tuple[str, ...]:
    """The critical path of a run, of one that runs as far as it has come; empty where no stage's times are known."""
    return tuple(slot.name for slot in critical_path(schedule(run, run.span.end or now)))


def review(run: Run, others: Sequence[Run], machines: Mapping[str, MachineType] = MACHINE_TYPES) -> Review | None:
    """What bounds a run that has ended; None where no stage's times are known.

    Args:
        run: that is looked at.
        others: of the same pipeline, in any order.
        machines: the price list.

    >>> from datetime import UTC, datetime, timedelta
    >>> from core.events import PipelineRun
    >>> from core.pipelines.run import fold
    >>> noon, run = datetime(2026, 1, 2, 12, tzinfo=UTC), None
    >>> for stage, begin, end in (("read", 0, 60), ("train", 60, 240)):
    ...     at, until = noon + timedelta(seconds=begin), noon + timedelta(seconds=end)
    ...     told = {"status": RunStatus.SUCCEEDED, "observed_at": until, "started_at": at, "after": ()}
    ...     run = fold(run, PipelineRun(pipeline="etl", run_id="7", stage=stage, **told))
    >>> found = review(run, [])
    >>> found.bound_by, [(saving.stage, saving.seconds) for saving in found.savings if saving.seconds]
    ('train', [('train', 60.0)])
    """
    slots = schedule(run)
    path = critical_path(slots)
    if not path:
        return None
    stages = {stage.name: stage for stage in run.executed}
    savings = [
        saving
        for slot in slots
        for saving in (
            _cache(stages[slot.name], slots, others, machines),
            _parallel(slot, slots),
            _machine(stages[slot.name], slot, machines),
        )
    ]
    bound = max(path, key=lambda slot: (slot.seconds, slot.name))
    return Review(critical_path=tuple(slot.name for slot in path), bound_by=bound.name, savings=tuple(savings))


def _cache(stage: Stage, slots: Sequence[Slot], others: Sequence[Run], machines: Mapping[str, MachineType]) -> Saving:
    execution = stage.execution or _UNREPORTED
    if not execution.inputs:
        return _not_known(stage.name, Change.CACHE, "its inputs are not reported")
    found = _same_inputs(stage, others)
    if found is None:
        return _nothing(stage.name, Change.CACHE, "no stored earlier run had the same inputs")
    taken, machine = stage.span.seconds, machines.get(execution.machine)
    return Saving(
        stage=stage.name,
        change=Change.CACHE,
        verdict=SavingVerdict.POSSIBLE,
        seconds=saved_seconds(slots, skipped=stage.name),
        dollars=None if machine is None or taken is None else machine.dollars_per_hour * taken / _HOUR,
        evidence=f"run {found.run_id} had the same inputs; {_priced(execution.machine, machine)}",
    )


def _same_inputs(stage: Stage, others: Sequence[Run]) -> Run | None:
    """The newest run in which the stage had succeeded with the same inputs before it began here."""
    begun = stage.span.start
    found = [
        (end, run.run_id, run)
        for run in others
        for other in run.stages
        if other.name == stage.name
        and other.execution is not None
        and stage.execution is not None
        and other.execution.inputs == stage.execution.inputs
        and other.span.status is RunStatus.SUCCEEDED
        and (end := other.span.end) is not None
        and begun is not None
        and end <= begun
    ]
    return max(found, key=lambda one: one[:2])[2] if found else None


def _priced(name: str, machine: MachineType | None) -> str:
    if machine is None:
        return f"no list price of {name} is known" if name else "its machine type is not reported"
    return f"{name} costs {money(machine.dollars_per_hour)} an hour"


def _parallel(slot: Slot, slots: Sequence[Slot]) -> Saving:
    if slot.after is None:
        return _not_known(slot.name, Change.PARALLEL, "its dependencies are not reported")
    if not slot.beside:
        return _nothing(slot.name, Change.PARALLEL, "it waited for its dependencies alone")
    waited = ", ".join(sorted(slot.beside))
    seconds = saved_seconds(slots, freed=slot.name)
    if seconds < LEAST_SECONDS:
        return _nothing(slot.name, Change.PARALLEL, f"it waited for {waited}, but the run would have ended no earlier")
    needs = ", ".join(sorted(slot.after)) or "no stage"
    return Saving(
        stage=slot.name,
        change=Change.PARALLEL,
        verdict=SavingVerdict.POSSIBLE,
        seconds=seconds,
        dollars=0.0,
        evidence=f"it depends on {needs}, and waited for {waited}; the machines run as long as before",
    )


def _machine(stage: Stage, slot: Slot, machines: Mapping[str, MachineType]) -> Saving:
    execution = stage.execution or _UNREPORTED
    machine, cpu, memory = machines.get(execution.machine), execution.cpu_peak, execution.memory_peak
    if machine is None:
        return _not_known(stage.name, Change.MACHINE, _priced(execution.machine, machine))
    if cpu is None or memory is None:
        return _not_known(stage.name, Change.MACHINE, f"its utilisation of {machine.name} is not measured")
    used = f"at most {percent(cpu)} of the CPU and {percent(memory)} of the memory of {machine.name} were used"
    smaller = _smallest(machine, cpu, memory, machines)
    if smaller is None:
        return _nothing(stage.name, Change.MACHINE, f"{used}; no smaller machine of its family is large enough")
    rates = f"{money(machine.dollars_per_hour)} and {money(smaller.dollars_per_hour)} an hour"
    return Saving(
        stage=stage.name,
        change=Change.MACHINE,
        verdict=SavingVerdict.POSSIBLE,
        seconds=0.0,
        dollars=(machine.dollars_per_hour - smaller.dollars_per_hour) * slot.seconds / _HOUR,
        evidence=f"{used}; {smaller.name} is large enough: {rates}",
    )


def _smallest(
    machine: MachineType, cpu: float, memory: float, machines: Mapping[str, MachineType]
) -> MachineType | None:
    enough = [
        other
        for other in machines.values()
        if other.family == machine.family
        and other.dollars_per_hour < machine.dollars_per_hour
        and cpu * machine.vcpus <= FULL * other.vcpus
        and memory * machine.memory_gib <= FULL * other.memory_gib
    ]
    return min(enough, key=lambda other: other.dollars_per_hour, default=None)


def _not_known(stage: str, change: Change, why: str) -> Saving:
    return Saving(stage=stage, change=change, verdict=SavingVerdict.NOT_KNOWN, seconds=None, dollars=None, evidence=why)


def _nothing(stage: str, change: Change, why: str) -> Saving:
    return Saving(stage=stage, change=change, verdict=SavingVerdict.NOTHING, seconds=0.0, dollars=0.0, evidence=why)
