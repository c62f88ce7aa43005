"""Rate limit of calls to an external system: a token bucket that all instances share.

It is the generic cell rate algorithm (ITU-T I.371, annex A). With `burst` calls in a full bucket and the rest of
`per_minute` refilled within a minute, any 60 seconds see at most `per_minute` calls, whenever they begin: what was
saved up and what is refilled meanwhile together never exceed it. That holds for callers whose clocks disagree by less
than `SKEW`, and whose calls are decided in another order than their clocks say.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MINUTE = timedelta(minutes=1)
SKEW = timedelta(minutes=1)
"""An instant further ahead was written by a wrong clock: it does not block the others for that long."""
LONGEST_BLOCK = timedelta(hours=1)
"""The longest wait, whatever `Retry-After` says."""
_NONE = timedelta(0)
_TICK = timedelta(microseconds=1)


class RateReason(StrEnum):
    """Why a call may be made, or not yet."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    """The receiver asked to wait."""
    SPACED = "spaced"
    """The call before was too short a time ago."""
    SPENT = "spent"
    """The calls of this minute are made."""
    RESERVED = "reserved"
    """The remaining calls are reserved for more urgent ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """State of a bucket.

    Attributes:
        full_at: when the bucket is full again, or None before the first call.
        last: the newest call, or None before the first.
        blocked_until: no call before this instant, or None.
    """

    full_at: datetime | None = None
    last: datetime | None = None
    blocked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDecision:
    """Whether the call may be made, and why.

    Attributes:
        bucket: what to remember from now on.
        reason: why.
        until: when to ask again; `now` where the call is allowed.
    """

    bucket: Bucket
    reason: RateReason
    until: datetime

    @property
    def allowed(self) -> bool:
        """Whether the call may be made."""
        return self.reason is RateReason.ALLOWED


def burst_of(per_minute: int) -> int:
    """How many of the calls of a minute may be made at once: 40 %, and at least two where there are two.

    >>> burst_of(100), burst_of(5), burst_of(3), burst_of(1)
    (40, 2, 2, 1)
    """
    return min(per_minute, max(2, per_minute * 2 // 5))


def take(
    bucket: Bucket,
    *,
    now: datetime,
    per_minute: int,
    burst: int,
    reserve: int = 0,
    calls: int = 1,
    gap: timedelta = _NONE,
) -> RateDecision:
    """Decide whether calls may be made now, and take them from the bucket if so.

    Args:
        bucket: before.
        now: the instant of asking.
        per_minute: how many calls may be made in any 60 seconds, at least 1.
        burst: how many of them at once, 1 to `per_minute`; the others are refilled evenly over a minute.
        reserve: the number of calls reserved for more urgent ones, from 0; never so many that a full bucket
            would not do.
        calls: how many are made, 1 to `burst`: all of them or none.
        gap: the least time between two askers.

    Raises:
        ValueError: a number is out of its range.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> first = take(Bucket(), now=noon, per_minute=3, burst=1)
    >>> second = take(first.bucket, now=noon, per_minute=3, burst=1)
    >>> first.allowed, second.reason, second.until - noon
    (True, <RateReason.SPENT: 'spent'>, datetime.timedelta(seconds=30))
    """
    _check("per_minute", per_minute, 1)
    _check("burst", burst, 1, per_minute)
    _check("calls", calls, 1, burst)
    _check("reserve", reserve, 0)
    interval = _interval(per_minute, burst)
    bucket = _believable(bucket, now, burst * interval)
    full_at = max(bucket.full_at or now, now) + calls * interval
    until, reason = max(
        (bucket.blocked_until or now, RateReason.BLOCKED),
        (bucket.last + gap if gap and bucket.last else now, RateReason.SPACED),
        (full_at - burst * interval, RateReason.SPENT),
        (full_at - max(burst - reserve, calls) * interval, RateReason.RESERVED),
        key=lambda wait: wait[0],
    )
    if until > now:
        return RateDecision(bucket=bucket, reason=reason, until=until)
    last = now if bucket.last is None else max(bucket.last, now)
    return RateDecision(bucket=replace(bucket, full_at=full_at, last=last), reason=RateReason.ALLOWED, until=now)


def block(bucket: Bucket, until: datetime) -> Bucket:
    """Record that the receiver asked to wait; of two such requests the longer counts.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> take(block(Bucket(), noon + MINUTE), now=noon, per_minute=60, burst=24).reason
    <RateReason.BLOCKED: 'blocked'>
    """
    return replace(bucket, blocked_until=max(bucket.blocked_until or until, until))


def _interval(per_minute: int, burst: int) -> timedelta:
    """How long it takes to refill one call, rounded up; where all calls may be made at once, just over a minute."""
    refilled = per_minute - burst
    return -(-MINUTE // refilled) if refilled else MINUTE + _TICK


def _believable(bucket: Bucket, now: datetime, whole: timedelta) -> Bucket:
    """The bucket without what no right clock can have written; it counts as emptied just now."""
    full_at, last, blocked_until = bucket.full_at, bucket.last, bucket.blocked_until
    if full_at is not None and full_at > now + whole + SKEW:
        full_at = now + whole
    if last is not None and last > now + SKEW:
        last = now
    if blocked_until is not None and blocked_until > now + LONGEST_BLOCK + SKEW:
        blocked_until = None
    return Bucket(full_at=full_at, last=last, blocked_until=blocked_until)


def _check(name: str, value: int, low: int, high: int | None = None) -> None:
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name}: must be at least {low}{f' and at most {high}' if high else ''}, got {value}")
