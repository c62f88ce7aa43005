"""From what was seen in an hour to what is said of it: a share or a percentile of few reports is not given at all."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Reason(StrEnum):
    """Why a value is given or not."""

    MEASURED = "measured"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen in an hour of one service on one kind of device; lengths and times in seconds.

    Attributes:
        service: the application.
        device: desktop, mobile or tablet.
        sessions: visits that were there within the hour.
        timed: those of them that were seen twice and more, so that they have a length.
        session_seconds: the middle one of these lengths.
        frames: reported.
        frame_seconds: the 95th percentile.
        loads: pages that were loaded.
        load_seconds: the 75th percentile.
        requests: that were answered or failed.
        failures: those that failed.
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
class Measure:
    """One metric of a service on a kind of device.

    Attributes:
        name: of the metric.
        value: None where it is not given.
        reason: why it is given or not.
        count: of how many reports it is made.
    """

    name: str
    value: float | None
    reason: Reason
    count: int


LEAST: Mapping[str, int] = MappingProxyType(
    {
        "aia_experience_sessions": 1,
        "aia_experience_session_seconds": 5,
        "aia_experience_frame_seconds": 50,
        "aia_experience_load_seconds": 5,
        "aia_experience_error_ratio": 20,
    }
)
"""Of how many a metric is made at least: of 50 frames the 95th percentile has two beyond it, of 20 requests one is 5%."""


def measures(seen: Seen) -> list[Measure]:
    """Every metric of what was seen, those included that are not given.

    Examples:
        >>> few = Seen(service="shop", device="mobile", sessions=3, timed=0, session_seconds=None, frames=0,
        ...     frame_seconds=None, loads=6, load_seconds=1.5, requests=19, failures=1)
        >>> [(one.name[15:], one.value, one.reason.value) for one in measures(few) if one.count]
        [('sessions', 3.0, 'measured'), ('load_seconds', 1.5, 'measured'), ('error_ratio', None, 'too_few')]
    """
    return list(_measures(seen))


def _measures(seen: Seen) -> Iterator[Measure]:
    yield _measure("aia_experience_sessions", float(seen.sessions), seen.sessions)
    yield _measure("aia_experience_session_seconds", seen.session_seconds, seen.timed)
    yield _measure("aia_experience_frame_seconds", seen.frame_seconds, seen.frames)
    yield _measure("aia_experience_load_seconds", seen.load_seconds, seen.loads)
    ratio = seen.failures / seen.requests if seen.requests else None
    yield _measure("aia_experience_error_ratio", ratio, seen.requests)


def _measure(name: str, value: float | None, count: int) -> Measure:
    if value is None or count < LEAST[name]:
        return Measure(name=name, value=None, reason=Reason.TOO_FEW, count=count)
    return Measure(name=name, value=value, reason=Reason.MEASURED, count=count)
