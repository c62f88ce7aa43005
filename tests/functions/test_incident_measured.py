"""Incidents with revenue that is measured by orders: what they say, what severity it gives, and that a replay knows the same."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
import pytest

from core.errors import UnavailableError
from core.events import Severity, Status, Verb
from core.incidents.impact import estimate_loss
from core.incidents.measured import MeasuredLoss, UsualHours, UsualRevenue
from core.incidents.messages import Message
from core.incidents.policy import Graph, IncidentPolicy
from core.replay.engine import replay
from core.settings import Dependency, Revenue
from core.settings.business import RevenueOf
from core.settings.response import ImpactPolicy
from functions.adapters.ports import Data, Document
from functions.incident_router.router import Received, handle
from functions.services.incidents.documents import USUAL, USUAL_KEY, USUAL_MAX_AGE, usual_revenues
from functions.services.incidents.kept_decisions import inputs
from tests.functions.test_replay_exactness import lived
from tests.support.builders.budget import some
from tests.support.builders.decided import decision_rows
from tests.support.fakes.outside import FINDING, PEOPLE, TARGET, Setup, set_up

HOUR = timedelta(hours=1)
POLICY = IncidentPolicy(
    people=PEOPLE,
    url="http://pages",
    graph=Graph([Dependency(target="stream/shop", needs=TARGET, share=0.5)]),
    revenue={"stream/shop": Revenue(dollars_per_hour=400.0)},
    revenue_of={"stream/shop": RevenueOf(sources=("shop",))},
    impact=ImpactPolicy(raises={Severity.CRITICAL: 900.0}),
)
CRITICAL = replace(FINDING, severity=Severity.ERROR)


def usual(dollars: float, made_at: datetime, **losses: MeasuredLoss) -> UsualRevenue:
    """So much in each hour of a day from the hour before on."""
    hours = UsualHours(weeks=8, dollars=(dollars,) * 24, low=(0.8 * dollars,) * 24, high=(1.3 * dollars,) * 24)
    first = made_at.replace(minute=0, second=0, microsecond=0) - HOUR
    return UsualRevenue(made_at=made_at, first=first, orders={"shop": hours}, losses=losses)


def publish(setup: Setup, found: UsualRevenue) -> None:
    """As the rollups write it."""
    data: Data = {
        "made_at": found.made_at,
        "usual": msgspec.json.encode(replace(found, losses={})).decode(),
        "losses": msgspec.json.encode(found.losses).decode(),
    }
    store = setup.service.store
    document = store.get(USUAL, USUAL_KEY)
    if document is None:
        store.create(USUAL, USUAL_KEY, data)
    else:
        store.replace(document, USUAL, data)


def measured(dollars: float = 4000.0, **policy: object) -> Setup:
    setup = set_up(policy=replace(POLICY, **policy))  # type: ignore[arg-type] # fields of the policy
    publish(setup, usual(dollars, setup.world.now))
    return setup


def fact(setup: Setup, name: str) -> str:
    return next((fact.text for fact in setup.world.told[-1].facts if fact.name == name), "")


def test_the_message_says_what_is_at_risk_and_by_what_it_was_measured() -> None:
    setup = measured()
    setup.give(CRITICAL)
    assert fact(setup, "Impact") == (
        "$1,000 an hour at risk ($800 to $1,300): stream/shop: 25% of $4,000 an hour"
        " (usual for Saturday 09:00 UTC from the last 8 weeks of orders of shop)"
    )
    found = setup.incident()
    assert found.impact is not None
    assert [tuple(one) for one in found.impact.orders] == [("shop", 0.25, 1000.0)]


def test_measured_dollars_decide_on_the_severity() -> None:
    small, large = measured(3000.0), measured(4000.0)
    for setup in (small, large):
        setup.give(CRITICAL)
    assert (small.incident().severity, large.incident().severity) == (Severity.ERROR, Severity.CRITICAL)


@pytest.mark.parametrize("age", [timedelta(hours=7), None])
def test_without_a_recent_measurement_the_settings_count_and_the_message_says_so(age: timedelta | None) -> None:
    setup = set_up(policy=POLICY)
    if age is not None:
        publish(setup, usual(4000.0, setup.world.now - age))
    setup.give(CRITICAL)
    assert fact(setup, "Impact") == (
        "$100 an hour at risk ($75 to $125): stream/shop: 25% of $400 an hour"
        " (settings; the usual revenue of its orders is not known)"
    )


def test_what_is_neither_measured_nor_in_the_settings_is_unknown() -> None:
    setup = set_up(policy=replace(POLICY, revenue={}))
    setup.give(CRITICAL)
    assert setup.incident().impact is None
    assert fact(setup, "Impact").startswith("not known")


def test_later_messages_say_what_was_lost_so_far() -> None:
    setup = measured()
    setup.give(CRITICAL)
    assert fact(setup, "Lost so far") == ""
    since = setup.incident().opened_at
    loss = MeasuredLoss(
        dollars=700, low=500, high=900, usual=1000, actual=300, since=since, until=since + HOUR, orders=("shop",)
    )
    publish(setup, usual(4000.0, setup.world.now, **{setup.incident().id: loss}))
    setup.world.now += USUAL_MAX_AGE
    setup.command(Verb.ACKNOWLEDGE)
    expected = "$700 ($500 to $900) from 2026-01-02 09:00 to 10:00 UTC: $300 of orders of shop in these hours, $1,000 usual; orders may still arrive"
    assert fact(setup, "Lost so far") == expected
    setup.world.now += timedelta(minutes=1)
    setup.give(replace(CRITICAL, status=Status.RESOLVED, observed_at=setup.world.now))
    setup.sweep(minutes=10)
    assert setup.world.told[-1].change.value == "resolved"
    assert fact(setup, "Lost so far") == expected


def test_a_store_that_does_not_answer_is_no_reason_to_tell_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = measured()
    setup.give(replace(CRITICAL, target="model/other"))
    get = setup.service.store.get

    def down(collection: str, key: str) -> Document | None:
        if collection == USUAL:
            raise UnavailableError("down")
        return get(collection, key)

    monkeypatch.setattr(setup.service.store, "get", down)
    setup.world.now += 2 * USUAL_MAX_AGE
    setup.give(CRITICAL)
    assert fact(setup, "Impact").startswith("$1,000 an hour"), "what was read last is recent still"
    setup.world.now += 7 * HOUR
    setup.give(replace(FINDING, severity=Severity.ERROR, kind="latency", observed_at=setup.world.now))
    assert setup.incident().impact is not None
    assert "settings; the usual revenue" in setup.incident().impact.reason  # type: ignore[union-attr] # just asserted


@pytest.mark.parametrize("data", [{"usual": "no JSON"}, {"usual": '{"orders": 3}'}, {"losses": "[]"}, {}])
def test_a_document_of_another_version_is_not_known(data: Data) -> None:
    setup = set_up(policy=POLICY)
    setup.service.store.create(USUAL, USUAL_KEY, data)
    assert usual_revenues(setup.service.store, lambda: setup.world.now)() == UsualRevenue()
    setup.give(CRITICAL)
    assert "settings" in fact(setup, "Impact")


def test_a_finding_of_the_hour_before_is_measured_by_that_hour_however_often_it_comes() -> None:
    setup = set_up(policy=POLICY)
    now = setup.world.now.replace(minute=50)
    hours = UsualHours(weeks=8, dollars=(1000.0, 4000.0), low=(1.0, 2.0), high=(5e3, 6e3))
    publish(setup, UsualRevenue(made_at=now, first=now.replace(minute=0), orders={"shop": hours}))
    setup.world.now = now + timedelta(minutes=20)
    for _ in range(2):
        handle(setup.service, Received(CRITICAL, now))
        assert setup.incident().severity is Severity.ERROR


def test_the_estimated_loss_goes_on_by_what_is_measured() -> None:
    setup = measured()
    setup.give(CRITICAL)
    found = setup.incident()
    assert estimate_loss(found, found.opened_at + HOUR).dollars == pytest.approx(1000)


def _revenue_changes(setup: Setup, rng: random.Random) -> None:
    now = setup.world.now
    losses = {
        key: MeasuredLoss(dollars=rng.random(), since=now - HOUR, until=now, orders=("shop",))
        for key in setup.world.incidents()
        if rng.random() < 0.5
    }
    publish(setup, usual(rng.choice((100.0, 3000.0, 9000.0)), now - rng.choice((0, 0, 9)) * HOUR, **losses))


MEASURED = IncidentPolicy(
    graph=Graph([Dependency(target=model, needs="table/flights") for model in ("model/a", "model/b", "model/c")]),
    people=PEOPLE,
    url="http://pages",
    revenue={"model/a": Revenue(dollars_per_hour=50.0)},
    revenue_of={"model/a": RevenueOf(sources=("shop",)), "service/alone": RevenueOf(sources=("shop",))},
    impact=ImpactPolicy(raises={Severity.ERROR: 200.0, Severity.CRITICAL: 2000.0}),
)


BASES = {"(usual for ", "(settings; the usual revenue of its orders is not known)"}


def _about_money(message: Message) -> tuple[Severity, str, str]:
    facts = {fact.name: fact.text for fact in message.facts}
    return message.severity, facts.get("Impact", ""), facts.get("Lost so far", "")


def test_a_replay_knows_what_was_measured_then() -> None:
    severities, bases, losses = set[Severity](), set[str](), 0
    for seed in some(range(12), 5):
        setup = lived(seed, MEASURED, before_each=_revenue_changes)
        replayed = replay(inputs(decision_rows(setup.world.decided)), MEASURED)
        made = {message.key: _about_money(message) for _, message in replayed.messages}
        told = {message.key: _about_money(message) for message in setup.world.told}
        assert {key: made[key] for key in told} == told, f"seed {seed}"
        severities |= {severity for severity, *_ in told.values()}
        bases |= {basis for basis in BASES for _, impact, _ in told.values() if basis in impact}
        losses += sum(lost != "" for *_, lost in told.values())
    assert severities >= {Severity.WARNING, Severity.ERROR, Severity.CRITICAL}
    assert bases == BASES
    assert losses > 5


def test_a_replay_of_a_target_with_other_settings_goes_by_what_was_measured() -> None:
    setup = measured()
    setup.give(CRITICAL)
    cheap = replace(POLICY, impact=ImpactPolicy(raises={Severity.CRITICAL: 2000.0}))
    [found] = replay(inputs(decision_rows(setup.world.decided)), cheap).incidents.values()
    assert (found.severity, found.impact) == (Severity.ERROR, setup.incident().impact)
