"""Metrics of user experience from an hour of browser reports; no ratio or percentile of too few reports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperienceSummary:
    """An hour of browser reports of one service on one kind of device; durations in seconds.

    Attributes:
        service: the application.
        device: desktop, mobile or tablet.
        sessions: active sessions.
        timed: sessions with at least two reports, which have a duration.
        session_seconds: median duration of those.
        frames: frame reports.
        frame_seconds: 95th percentile.
        loads: page loads.
        load_seconds: 75th percentile.
        requests: requests that were answered or failed.
        failures: requests that failed.
    """

    service: str
    device: str
    sessions: int
    timed: int
    session_seconds: float | None
    frames: int
    frame_seconds: float | None
    loads: int
    load_seconds: float | None
    requests: int
    failures: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperienceMetric:
    """One metric of a service on a kind of device.

    Attributes:
        name: of the metric.
        value: None where there are too few reports.
        count: number of reports.
    """

    name: str
    value: float | None
    count: int


MIN_COUNT: Mapping[str, int] = MappingProxyType(
    {
        "aia_experience_sessions": 1,
        "aia_experience_session_seconds": 5,
        "aia_experience_frame_seconds": 50,
        "aia_experience_load_seconds": 5,
        "aia_experience_error_ratio": 20,
    }
)
"""Reports that a metric needs: of 50 frames two are above the 95th percentile, of 20 requests one is 5 %."""


def experience_metrics(summary: ExperienceSummary) -> Iterator[ExperienceMetric]:
    """Every metric of a summary, with the value None where there are too few reports.

    Examples:
        >>> few = ExperienceSummary(service="shop", device="mobile", sessions=3, timed=0, session_seconds=None, frames=0,
        ...     frame_seconds=None, loads=6, load_seconds=1.5, requests=19, failures=1)
        >>> [(metric.name[15:], metric.value) for metric in experience_metrics(few) if metric.count]
        [('sessions', 3.0), ('load_seconds', 1.5), ('error_ratio', None)]
    """
    yield _metric("aia_experience_sessions", float(summary.sessions), summary.sessions)
    yield _metric("aia_experience_session_seconds", summary.session_seconds, summary.timed)
    yield _metric("aia_experience_frame_seconds", summary.frame_seconds, summary.frames)
    yield _metric("aia_experience_load_seconds", summary.load_seconds, summary.loads)
    ratio = summary.failures / summary.requests if summary.requests else None
    yield _metric("aia_experience_error_ratio", ratio, summary.requests)


def _metric(name: str, value: float | None, count: int) -> ExperienceMetric:
    return ExperienceMetric(name=name, value=value if count >= MIN_COUNT[name] else None, count=count)
