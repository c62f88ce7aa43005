"""What a running pipeline says of its tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """A task has begun or ended.

    Attributes:
        task: its name in the pipeline.
        state: `RUNNING`, `SUCCEEDED` or `FAILED`.
        at: when.
        error: why it failed.
        artifacts: where each of its outputs is.
        cpu_peak: the largest share of the vCPUs of the default machine that it used, 0 to 1; None where it is not measured.
        memory_peak: the same of the memory.
    """

    task: str
    state: str
    at: datetime
    error: str = ""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    cpu_peak: float | None = None
    memory_peak: float | None = None
