"""Decisions about who may perform an effect, over the ledger's entry for the effect's key.

nothing  --claim-->  claimed  --confirm-->  done
   ^                    |
   +------release-------+        a claim whose lease has ended may be taken over
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

KEEP = timedelta(days=32)
"""Retention of an entry: longer than a message can be redelivered (Pub/Sub retains one for 31 days at most)."""


class ClaimState(StrEnum):
    """How far the effect is."""

    CLAIMED = "claimed"
    DONE = "done"


class ClaimVerdict(StrEnum):
    """Verdict on a claim, with its reason."""

    ACQUIRED = "acquired"
    """Nobody has the claim: it is the caller's now."""
    TAKEN_OVER = "taken_over"
    """The lease of another attempt has ended without a confirmation: the effect may have happened."""
    DONE = "done"
    """The effect has happened."""
    BUSY = "busy"
    """Another has the claim."""
    CONFIRMED = "confirmed"
    """The effect of the caller's claim has happened."""
    CONFIRMED_LATE = "confirmed_late"
    """The effect has happened, but the lease had ended and the claim was no longer the caller's."""
    RELEASED = "released"
    """The claim was the caller's, and is free."""
    NOT_HELD = "not_held"
    """The claim was not the caller's to release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The ledger's entry for one effect.

    Attributes:
        owner: the attempt that claimed it; unique.
        state: how far the effect is.
        claimed_at: when the claim was made.
        until: the end of the lease.
        expires_at: when the entry may be forgotten.
        attempt: 1 for the first claim, one more each time it is taken over.
        done_at: when the effect was confirmed, if it was.
        covers: the names of what the effect is on, where it is on several things at once.
    """

    owner: str
    state: ClaimState
    claimed_at: datetime
    until: datetime
    expires_at: datetime
    attempt: int = 1
    done_at: datetime | None = None
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimDecision:
    """The verdict, and the next entry, or None to delete it."""

    verdict: ClaimVerdict
    entry: Entry | None

    @property
    def mine(self) -> bool:
        """Whether the caller may perform the effect."""
        return self.verdict in (ClaimVerdict.ACQUIRED, ClaimVerdict.TAKEN_OVER)


def claim(
    entry: Entry | None, *, owner: str, now: datetime, lease: timedelta, covers: tuple[str, ...] = ()
) -> ClaimDecision:
    """Decide whether the owner may perform the effect.

    A claim of the same owner is acquired again: its first answer was lost on the way.

    Args:
        entry: the current entry, or None.
        owner: the unique name of the attempt.
        now: the instant of asking.
        lease: how long the claim holds; longer than the effect may take.
        covers: the names of what the effect is on.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> first = claim(None, owner="a", now=noon, lease=timedelta(minutes=1))
    >>> first.verdict, claim(first.entry, owner="b", now=noon, lease=timedelta(minutes=1)).verdict
    (<ClaimVerdict.ACQUIRED: 'acquired'>, <ClaimVerdict.BUSY: 'busy'>)
    """
    if lease <= timedelta(0):
        raise ValueError(f"lease: must be positive, got {lease}")
    if entry is None or (entry.owner == owner and entry.state is ClaimState.CLAIMED):
        return ClaimDecision(
            verdict=ClaimVerdict.ACQUIRED, entry=_claimed(owner, now, lease, entry.attempt if entry else 1, covers)
        )
    if entry.state is ClaimState.DONE:
        return ClaimDecision(verdict=ClaimVerdict.DONE, entry=entry)
    if now < entry.until:
        return ClaimDecision(verdict=ClaimVerdict.BUSY, entry=entry)
    return ClaimDecision(verdict=ClaimVerdict.TAKEN_OVER, entry=_claimed(owner, now, lease, entry.attempt + 1, covers))


def confirm(entry: Entry | None, *, owner: str, now: datetime, covers: tuple[str, ...] | None = None) -> ClaimDecision:
    """Confirm that the effect has happened; recorded whoever has the claim by now, so that it is not repeated.

    Args:
        entry: the current entry, or None.
        owner: the unique name of the attempt.
        now: the instant of asking.
        covers: the names of what the effect has happened to; None for all that were claimed.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> mine = claim(None, owner="a", now=noon, lease=timedelta(minutes=1)).entry
    >>> confirm(mine, owner="a", now=noon).verdict
    <ClaimVerdict.CONFIRMED: 'confirmed'>
    """
    if entry is not None and entry.state is ClaimState.DONE:
        return ClaimDecision(
            verdict=ClaimVerdict.CONFIRMED if entry.owner == owner else ClaimVerdict.CONFIRMED_LATE, entry=entry
        )
    verdict = ClaimVerdict.CONFIRMED if entry is not None and entry.owner == owner else ClaimVerdict.CONFIRMED_LATE
    held = entry or _claimed(owner, now, timedelta(0), 1)
    names = held.covers if covers is None else covers
    done = replace(held, owner=owner, state=ClaimState.DONE, done_at=now, covers=names)
    return ClaimDecision(verdict=verdict, entry=done)


def release(entry: Entry | None, *, owner: str) -> ClaimDecision:
    """Free the claim after the effect failed, if it is still the owner's.

    >>> release(None, owner="a").verdict
    <ClaimVerdict.NOT_HELD: 'not_held'>
    """
    if entry is None or entry.owner != owner or entry.state is ClaimState.DONE:
        return ClaimDecision(verdict=ClaimVerdict.NOT_HELD, entry=entry)
    return ClaimDecision(verdict=ClaimVerdict.RELEASED, entry=None)


def _claimed(owner: str, now: datetime, lease: timedelta, attempt: int, covers: tuple[str, ...] = ()) -> Entry:
    return Entry(
        owner=owner,
        state=ClaimState.CLAIMED,
        claimed_at=now,
        until=now + lease,
        expires_at=now + KEEP,
        attempt=attempt,
        covers=covers,
    )
