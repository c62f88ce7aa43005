"""Alerts of several replicas of one Prometheus, and alerts whose end nobody sends."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

from core.events import Finding, Status
from core.incidents.fold import fold
from core.incidents.policy import IncidentPolicy
from core.settings import AlertIntakeSettings, parse
from functions.services.alert_replicas import COLLECTION
from tests.support.fakes.intake import NOW, World

MINUTE = timedelta(minutes=1)


def alert(by: str, *, start: int = 0, end: int | None = None, now: datetime = NOW, **labels: str) -> dict[str, Any]:
    """An alert as a Prometheus posts it; it ends in four minutes while it fires."""
    named = {"prometheus_replica": by} if by else {}
    ends = now + 4 * MINUTE if end is None else NOW + end * MINUTE
    return {
        "labels": {"alertname": "Slow", "service": "shop", **named, **labels},
        "startsAt": (NOW + start * MINUTE).isoformat(),
        "endsAt": ends.isoformat(),
    }


def send(world: World, *alerts: dict[str, Any], minute: int = 0) -> list[Finding]:
    """What is published of a post at that minute."""
    world.clock = lambda: NOW + minute * MINUTE
    before = len(world.bus.events)
    assert world.send(json.dumps(alerts).encode(), "/api/v2/alerts").status_code == 200
    return [one for one in world.bus.events[before:] if isinstance(one, Finding)]


def later(by: str, minute: int, **given: Any) -> dict[str, Any]:
    return alert(by, now=NOW + minute * MINUTE, **given)


def test_replicas_are_one_condition_which_is_over_when_none_of_them_says_that_it_fires() -> None:
    world = World()
    first, second = send(world, alert("a"), alert("b", start=1))
    assert first.condition == second.condition
    assert "prometheus_replica" not in first.evidence
    assert send(world, later("a", 3, end=3), minute=3) == []
    [still] = send(world, later("b", 6, start=1), minute=6)
    assert still.status is Status.FIRING
    [over] = send(world, later("b", 7, start=1, end=7), minute=7)
    assert (over.status, over.observed_at) == (Status.RESOLVED, NOW + 7 * MINUTE)


def test_an_end_that_is_told_again_is_the_same_finding() -> None:
    world = World()
    send(world, alert("a"), alert("b"))
    send(world, later("a", 5, end=5), minute=5)
    [over] = send(world, later("b", 7, end=7), minute=7)
    again = [*send(world, later("b", 8, end=7), minute=8), *send(world, later("a", 8, end=5), minute=8)]
    assert [one.id for one in again] == [over.id, over.id]


def test_a_replica_that_went_silent_holds_nothing_up_for_longer_than_it_said() -> None:
    world = World()
    send(world, alert("a"), alert("b"))
    assert send(world, later("a", 3, end=3), minute=3) == []
    [over] = send(world, later("a", 5, end=3), minute=5)
    assert over.status is Status.RESOLVED


def test_a_replica_whose_firing_comes_after_the_end_at_the_other_one_fires() -> None:
    """It began before that end, so that alone it would be older news."""
    world = World()
    sent = [*send(world, alert("a")), *send(world, later("a", 2, end=2), minute=2)]
    sent += send(world, later("b", 3, start=1), minute=3)
    assert [one.status for one in sent] == [Status.FIRING, Status.RESOLVED, Status.FIRING]
    state = None
    for one in sent:
        state = fold(state, one, now=NOW + 3 * MINUTE, policy=IncidentPolicy()).state
    assert state is not None
    assert [one.status for one in state.conditions] == [Status.FIRING]


def test_whatever_the_order_of_the_replicas_the_last_end_is_told() -> None:
    for order in permutations("abc"):
        world = World()
        send(world, *(alert(name) for name in "abc"))
        ends = [send(world, later(name, 2, end=2), minute=2) for name in order]
        assert [len(one) for one in ends] == [0, 0, 1], order


def test_both_replicas_in_one_group_of_alertmanager_are_one_condition() -> None:
    world = World()
    body = {"version": "4", "alerts": [alert("a") | {"status": "firing"}, alert("b", end=0) | {"status": "resolved"}]}
    assert world.send(json.dumps(body).encode(), "/alertmanager").json == {"accepted": 1, "parked": 0, "ignored": 1}


def test_labels_that_name_no_replica_distinguish_and_cost_no_store() -> None:
    world = World()
    first, second = send(world, alert("", replica="a"), alert("", replica="b"))
    assert first.condition != second.condition
    assert world.store.find(COLLECTION) == []
    world.settings = AlertIntakeSettings(replica_labels=("replica",))
    first, second = send(world, alert("", replica="a"), alert("", replica="b"))
    assert first.condition == second.condition


def test_a_firing_that_is_repeated_is_written_when_half_of_its_time_is_over() -> None:
    world = World()
    written = []
    for minute in range(5):
        send(world, later("a", minute), minute=minute)
        [document] = world.store.find(COLLECTION)
        written.append(document.data["replicas"][0]["until"])
    assert len(set(written)) == 3


def held(world: World, hours: float, status: str = "firing") -> Finding:
    """One alert of an Alertmanager with that setting."""
    world.clock = lambda: NOW + timedelta(hours=hours)
    body = {
        "version": "4",
        "alerts": [{"status": status, "labels": {"alertname": "Slow"}, "startsAt": NOW.isoformat()}],
    }
    world.send(json.dumps(body).encode(), "/alertmanager")
    return world.findings()[-1]


def test_what_is_no_longer_repeated_is_not_known_after_the_time_that_is_set_for_its_sender() -> None:
    settings = parse({"version": 1, "jobs": {}, "alert_intake": {"holds_for": {"alertmanager": "12h"}}})
    world = World(settings=settings.alert_intake)
    first, again = held(world, 0), held(world, 4)
    assert [first.holds_until, again.holds_until] == [NOW + timedelta(hours=12), NOW + timedelta(hours=16)]
    assert first.id == again.id
    assert held(world, 5, "resolved").holds_until is None
    assert held(World(), 0).holds_until is None
    assert held(World(settings=replace(settings.alert_intake, holds_for={"grafana": MINUTE})), 0).holds_until is None
