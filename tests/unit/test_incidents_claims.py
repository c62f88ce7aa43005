"""Who performs the effects of a delivery queue: one attempt at a time, until it ends or its lease does."""

from dataclasses import replace
from datetime import timedelta

from core.incidents.claims import claim_queues, holders, release_queues
from core.incidents.outbox import IncidentGroup
from tests.support.fakes.played import Played, at, found

LEASE = timedelta(minutes=1)


def everything(_: str) -> bool:
    return True


def waiting() -> IncidentGroup:
    group = Played(delivers=False).find(found(0)).group
    return claim_queues(group, "one", lambda queue: queue == "publish", now=at(0), lease=LEASE)


def test_what_one_attempt_holds_another_one_does_not_take_until_the_lease_ends() -> None:
    group = waiting()
    assert {queue: claim.by for queue, claim in holders(group).items()} == {"publish": "one"}
    both = claim_queues(group, "two", everything, now=at(0.5), lease=LEASE)
    assert holders(both)["publish"].by == "one"
    assert {claim.by for queue, claim in holders(both).items() if queue != "publish"} == {"two"}
    assert holders(claim_queues(both, "two", everything, now=at(1), lease=LEASE))["publish"].by == "two"


def test_an_attempt_releases_its_own_queues_and_no_others() -> None:
    both = claim_queues(waiting(), "two", everything, now=at(0.5), lease=LEASE)
    assert {claim.by for claim in release_queues(both, "two").claims} == {"one"}


def test_what_an_attempt_holds_and_wants_no_more_is_released_and_a_lease_is_renewed() -> None:
    group = waiting()
    assert claim_queues(group, "one", lambda queue: queue == "copy", now=at(0.5), lease=LEASE).claims != group.claims
    [renewed] = claim_queues(group, "one", lambda queue: queue == "publish", now=at(0.5), lease=LEASE).claims
    assert renewed.until == at(0.5) + LEASE
    assert claim_queues(replace(group, pending=()), "one", everything, now=at(0.5), lease=LEASE).claims == ()
