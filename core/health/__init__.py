"""Health checks: the result of a probe, the verdicts on its conditions, its objective, and the ticks at which it is due."""

from core.health.conditions import SOURCE, ProbeKind, observations, spec, unknown
from core.health.objective import availability
from core.health.result import ProbeReason, ProbeResult, judge
from core.health.schedule import due

__all__ = [
    "SOURCE",
    "ProbeKind",
    "ProbeReason",
    "ProbeResult",
    "availability",
    "due",
    "judge",
    "observations",
    "spec",
    "unknown",
]
