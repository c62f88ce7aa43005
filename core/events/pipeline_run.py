"""A report about a run of a pipeline, or one of its stages."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from core.instants import require_aware, stamp


class RunStatus(StrEnum):
    """How far a run or a stage is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however."""
        return self is not RunStatus.RUNNING


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRun:
    """A run of a pipeline, or a stage of it, is seen in some status.

    Attributes:
        pipeline: the pipeline's name, the same for every run.
        run_id: the run, unlike every other of the pipeline.
        status: of the stage, or of the run where no stage is named.
        observed_at: the instant it had this status at, in UTC.
        stage: the stage's name, or empty for the run as a whole.
        started_at: when it began, where the runner knows.
        ended_at: when it ended, where the runner knows; else `observed_at` stands for it.
        error: why it failed, in one line.
        after: the stages that the stage depends on, or None where the runner does not say.
        inputs: a fingerprint of the stage's code and inputs: with the same one its result is the same; or empty.
        cached: whether the result of the stage was taken from an earlier run.
        machine: the machine type that the stage ran on, as in `e2-standard-4`, or empty.
        job: the job that the stage ran as, by which its use of the machine is measured, or empty.
        cpu_peak: the largest measured share of the machine's vCPUs that the stage used, 0 to 1.
        memory_peak: the same of the memory.
    """

    TYPE: ClassVar[str] = "pipeline_run"
    VERSION: ClassVar[int] = 1

    pipeline: str
    run_id: str
    status: RunStatus
    observed_at: datetime
    stage: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    after: tuple[str, ...] | None = None
    inputs: str = ""
    cached: bool = False
    machine: str = ""
    job: str = ""
    cpu_peak: float | None = None
    memory_peak: float | None = None

    def __post_init__(self) -> None:
        require_aware("observed_at", self.observed_at)
        for name, instant in (("started_at", self.started_at), ("ended_at", self.ended_at)):
            if instant is not None:
                require_aware(name, instant)
        if self.ended_at is not None and not self.status.is_over:
            raise ValueError(f"ended_at: must not be given while {self.status}, got {stamp(self.ended_at)}")
        if self.started_at is not None and self.started_at > (end := self.ended_at or self.observed_at):
            raise ValueError(f"started_at: must not be after {stamp(end)}, got {stamp(self.started_at)}")
        for name, peak in (("cpu_peak", self.cpu_peak), ("memory_peak", self.memory_peak)):
            if peak is not None and not 0 <= peak <= 1:
                raise ValueError(f"{name}: must be 0 to 1, got {peak!r}")

    @property
    def id(self) -> str:
        """The run, the stage, the status and the instant: the same observation made twice has the same id."""
        return f"{self.pipeline}:{self.run_id}:{self.stage}:{self.status}:{stamp(self.observed_at)}"
