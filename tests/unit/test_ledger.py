"""The ledger's decisions, in every order in which claims, crashes and confirmations can come."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ledger import KEEP, ClaimState, ClaimVerdict, Entry, claim, confirm, release

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LEASE = timedelta(minutes=1)
OWNERS = ("a", "b", "c")


def claimed(owner: str = "a", at: datetime = NOON) -> Entry:
    entry = claim(None, owner=owner, now=at, lease=LEASE).entry
    assert entry is not None
    return entry


def done(owner: str = "a", at: datetime = NOON) -> Entry:
    entry = confirm(claimed(owner, at), owner=owner, now=at).entry
    assert entry is not None
    return entry


def test_who_comes_first_has_the_claim_for_the_lease() -> None:
    decision = claim(None, owner="a", now=NOON, lease=LEASE)
    assert decision.verdict is ClaimVerdict.ACQUIRED
    assert decision.mine
    assert decision.entry == Entry(
        owner="a", state=ClaimState.CLAIMED, claimed_at=NOON, until=NOON + LEASE, expires_at=NOON + KEEP
    )


@pytest.mark.parametrize(
    ("later", "verdict"),
    [
        (timedelta(0), ClaimVerdict.BUSY),
        (LEASE - timedelta(microseconds=1), ClaimVerdict.BUSY),
        (LEASE, ClaimVerdict.TAKEN_OVER),
        (timedelta(days=40), ClaimVerdict.TAKEN_OVER),
    ],
)
def test_a_claim_is_taken_over_when_its_lease_has_ended(later: timedelta, verdict: ClaimVerdict) -> None:
    decision = claim(claimed("a"), owner="b", now=NOON + later, lease=LEASE)
    assert decision.verdict is verdict
    assert decision.mine is (verdict is ClaimVerdict.TAKEN_OVER)
    assert decision.entry is not None
    assert (decision.entry.owner, decision.entry.attempt) == (("b", 2) if decision.mine else ("a", 1))


def test_a_claim_whose_answer_was_lost_is_acquired_again() -> None:
    decision = claim(claimed("a"), owner="a", now=NOON + timedelta(seconds=1), lease=LEASE)
    assert decision.verdict is ClaimVerdict.ACQUIRED
    assert decision.entry is not None
    assert decision.entry.attempt == 1


def test_what_is_done_stays_done() -> None:
    for owner in OWNERS:
        for later in (timedelta(0), LEASE, 2 * KEEP):
            decision = claim(done("a"), owner=owner, now=NOON + later, lease=LEASE)
            assert (decision.verdict, decision.mine, decision.entry) == (ClaimVerdict.DONE, False, done("a"))


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (claimed("a"), ClaimVerdict.CONFIRMED),
        (done("a"), ClaimVerdict.CONFIRMED),
        (claimed("b"), ClaimVerdict.CONFIRMED_LATE),
        (done("b"), ClaimVerdict.CONFIRMED_LATE),
        (None, ClaimVerdict.CONFIRMED_LATE),
    ],
)
def test_what_has_happened_is_kept_whoever_has_the_claim(entry: Entry | None, verdict: ClaimVerdict) -> None:
    decision = confirm(entry, owner="a", now=NOON + timedelta(seconds=5))
    assert decision.verdict is verdict
    assert decision.entry is not None
    assert decision.entry.state is ClaimState.DONE
    assert decision.entry.done_at is not None


@pytest.mark.parametrize(
    ("entry", "verdict", "left"),
    [
        (claimed("a"), ClaimVerdict.RELEASED, None),
        (claimed("b"), ClaimVerdict.NOT_HELD, claimed("b")),
        (done("a"), ClaimVerdict.NOT_HELD, done("a")),
        (None, ClaimVerdict.NOT_HELD, None),
    ],
)
def test_only_ones_own_claim_is_released(entry: Entry | None, verdict: ClaimVerdict, left: Entry | None) -> None:
    decision = release(entry, owner="a")
    assert (decision.verdict, decision.entry) == (verdict, left)


def test_an_entry_covers_what_was_claimed_until_it_is_said_what_was_done() -> None:
    mine = claim(None, owner="a", now=NOON, lease=LEASE, covers=("x", "y")).entry
    assert mine is not None
    assert mine.covers == ("x", "y")
    for entry, covers, left in [
        (mine, None, ("x", "y")),
        (mine, ("x",), ("x",)),
        (mine, (), ()),
        (None, ("x",), ("x",)),
    ]:
        after = confirm(entry, owner="a", now=NOON, covers=covers).entry
        assert after is not None
        assert after.covers == left
    taken = claim(mine, owner="b", now=NOON + LEASE, lease=LEASE, covers=("z",)).entry
    assert taken is not None
    assert taken.covers == ("z",)


@pytest.mark.parametrize("lease", [timedelta(0), timedelta(seconds=-1)])
def test_a_lease_must_last(lease: timedelta) -> None:
    with pytest.raises(ValueError, match="lease: must be positive"):
        claim(None, owner="a", now=NOON, lease=lease)


@given(
    st.lists(
        st.tuples(st.sampled_from(("claim", "confirm", "release")), st.sampled_from(OWNERS), st.integers(0, 90)),
        max_size=30,
    )
)
def test_two_never_hold_a_claim_within_a_lease_and_done_is_the_end(steps: list[tuple[str, str, int]]) -> None:
    entry: Entry | None = None
    now = NOON
    holders: dict[str, datetime] = {}  # owner -> end of the lease that the owner believes in
    for act, owner, seconds in steps:
        now += timedelta(seconds=seconds)
        before = entry
        if act == "claim":
            decision = claim(entry, owner=owner, now=now, lease=LEASE)
            if decision.mine:
                assert not [other for other, until in holders.items() if other != owner and now < until]
                holders[owner] = now + LEASE
        elif owner in holders:
            decision = confirm(entry, owner=owner, now=now) if act == "confirm" else release(entry, owner=owner)
            del holders[owner]
        else:
            continue
        entry = decision.entry
        if before is not None and before.state is ClaimState.DONE:
            assert entry == before
