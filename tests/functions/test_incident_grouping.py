"""A storm is one card: like findings about many targets are one incident, by labels that a route names."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from core.events import Finding, Severity, Status, Verb
from core.incidents.grouping import grouped
from core.incidents.model import CONDITIONS_LIMIT, State
from core.incidents.policy import classify
from core.settings import Route, When
from functions.adapters.events import encode
from functions.incident_router.router import read
from functions.runtime.push import Message
from tests.support.builders import budget
from tests.support.fakes.outside import ALL, FINDING, PEOPLE, POLICY, Setup, set_up

GROUP = "service/shop"
PODS = 300 if budget.ALL else CONDITIONS_LIMIT + 20
ROUTES = (
    Route(when=When(severity=ALL - {Severity.INFO}), to=("technical",), group_by=("service",)),
    Route(when=When(), to=("operations",)),
)


@pytest.fixture
def setup() -> Setup:
    return set_up(policy=replace(POLICY, people=replace(PEOPLE, routes=ROUTES)))


def pod(setup: Setup, number: int, status: Status = Status.FIRING, **fields: object) -> Finding:
    finding = replace(
        FINDING,
        target=f"pod/shop-{number:03}",
        kind="CrashLoop",
        status=status,
        severity=Severity.CRITICAL,
        summary=f"pod shop-{number:03} restarts",
        observed_at=setup.world.now,
        labels={"service": "shop", "namespace": "prod"},
    )
    return replace(finding, **fields)  # type: ignore[arg-type]  # any field


def told(setup: Setup) -> Counter[str]:
    return Counter(message.channel for message in setup.world.told)


def storm(setup: Setup, status: Status = Status.FIRING, *, pods: int = PODS, seed: int = 1) -> None:
    """So many pods, one a second, in any order."""
    for number in random.Random(seed).sample(range(pods), k=pods):
        setup.give(pod(setup, number, status))
        setup.world.now += timedelta(seconds=1)
        if setup.world.now.second == 0:
            setup.sweep()


def test_more_pods_than_are_kept_in_detail_are_one_incident_of_three_messages_a_channel(setup: Setup) -> None:
    storm(setup)
    setup.sweep(minutes=3)
    (incident,) = setup.world.group(GROUP).state.incidents
    assert (incident.state, incident.target, len(setup.world.incidents())) == (State.OPEN, GROUP, 1)
    setup.command(Verb.ACKNOWLEDGE, subject=incident.id)
    storm(setup, Status.RESOLVED, seed=2)
    for _ in range(5):
        setup.sweep(minutes=1)
    (incident,) = setup.world.group(GROUP).state.incidents
    assert (incident.state, incident.closed_at) == (State.RESOLVED, None)
    assert max(told(setup).values()) <= 3
    affected = [fact.text for message in setup.world.told for fact in message.facts if fact.name == "Affected"]
    assert affected[-1].endswith(f" and {PODS - 5} more")


def test_it_is_over_only_when_the_last_pod_is(setup: Setup) -> None:
    storm(setup, pods=60)
    for number in range(59):
        setup.give(pod(setup, number, Status.RESOLVED))
    setup.sweep(minutes=2)
    assert setup.world.group(GROUP).state.incidents[0].state is not State.RESOLVED
    setup.give(pod(setup, 59, Status.RESOLVED))
    setup.sweep(minutes=2)
    assert setup.world.group(GROUP).state.incidents[0].state is State.RESOLVED


def test_other_values_are_other_incidents_and_what_lacks_a_label_stands_alone(setup: Setup) -> None:
    setup.give(pod(setup, 1), pod(setup, 2, labels={"service": "cart"}), pod(setup, 3, labels={"namespace": "prod"}))
    names = {key for collection, key in setup.world.documents if collection == "incident_groups"}
    assert names == {GROUP, "service/cart", "pod/shop-003"}


def test_a_severity_that_changes_stays_in_its_group(setup: Setup) -> None:
    setup.give(pod(setup, 1, severity=Severity.INFO))
    setup.world.now += timedelta(minutes=1)
    setup.give(pod(setup, 1, severity=Severity.CRITICAL))
    (condition,) = setup.world.group(GROUP).state.conditions
    assert (condition.severity, condition.kind) == (Severity.CRITICAL, "CrashLoop@pod/shop-001")


def test_a_sweep_leaves_grouped_conditions_where_they_are(setup: Setup) -> None:
    setup.give(pod(setup, 1))
    setup.sweep(minutes=20)
    assert setup.world.group(GROUP).state.conditions[0].status is Status.FIRING
    assert len(setup.world.incidents()) == 1


def test_a_condition_is_classified_by_what_the_finding_is_about(setup: Setup) -> None:
    setup.give(pod(setup, 1, target="pod/latency-probe", kind="DiskFull"))
    (condition,) = setup.world.group(GROUP).state.conditions
    assert condition.category == classify("pod/latency-probe", "DiskFull", "", Severity.ERROR).category


def test_only_the_targets_of_a_route_are_grouped() -> None:
    route = Route(when=When(targets=("pod/*",), severity=frozenset({Severity.ERROR})), to=(), group_by=("service",))
    labels = {"service": "shop"}
    assert grouped(replace(FINDING, target="node/a", labels=labels), [route]).target == "node/a"
    assert grouped(replace(FINDING, target="pod/a", labels=labels), [route]).target == GROUP


def test_the_values_of_several_labels_are_never_confused() -> None:
    route = Route(to=(), group_by=("service", "zone"))
    values = [
        ("a,b", "c"),
        ("a", "b,c"),
        ("a\\", "b,c"),
        ("a\\,b", "c"),
        ("a\\,b,c", "d"),
        ("a", "b\\,c"),
        ("a,", "c"),
        ("a", ",c"),
    ]
    found = [
        grouped(replace(FINDING, target="pod/x", labels={"service": service, "zone": zone}), [route])
        for service, zone in values
    ]
    assert len({one.target for one in found}) == len(values)
    assert (found[0].target, found[1].target) == ("service-zone/a\\,b,c", "service-zone/a,b\\,c")


def test_long_labels_make_names_that_are_told_apart() -> None:
    route = Route(to=(), group_by=("service",))
    one, other = (
        grouped(replace(FINDING, target=f"pod/{'x' * 250}", labels={"service": f"{'é' * 200}{end}"}), [route])
        for end in "ab"
    )
    assert one.target != other.target
    assert max(len(text.encode()) for text in (one.target, one.kind, other.target)) <= 200


@pytest.mark.parametrize("value", ["shop\n", "sh\x00op", "shop\u202e", "é\u2028", "__shop__", "x" * 10_000])
def test_any_value_of_a_label_makes_a_target_that_findings_and_commands_may_name(setup: Setup, value: str) -> None:
    """What was merged into the incident of a group reports to it by a finding about its target."""
    found = grouped(pod(setup, 1, labels={"service": value}), ROUTES)
    read(Message(id="1", data=encode(found), published_at=setup.world.now))
    assert found.target.startswith("service/")


@pytest.mark.parametrize("value", ["", "  ", "\n\t", "\x00"])
def test_a_label_without_a_printable_value_is_none(setup: Setup, value: str) -> None:
    found = pod(setup, 1, labels={"service": value})
    assert grouped(found, ROUTES) is found


def test_a_finding_about_the_group_itself_is_a_condition_like_the_others(setup: Setup) -> None:
    setup.give(pod(setup, 1), pod(setup, 2, target=GROUP, kind="HighErrorRate"))
    kinds = [condition.kind for condition in setup.world.group(GROUP).state.conditions]
    assert kinds == ["CrashLoop@pod/shop-001", "HighErrorRate"]
    assert len(setup.world.incidents()) == 1


def test_pods_are_acknowledged_one_by_one_over_the_bus_and_a_new_one_is_told(setup: Setup) -> None:
    for number in range(3):
        setup.give(pod(setup, number))
    (incident,) = setup.world.group(GROUP).state.incidents
    for number in range(3):
        setup.world.now += timedelta(seconds=30)
        setup.command(Verb.ACKNOWLEDGE, subject=incident.id, target=f"pod/shop-{number:03}")
    (incident,) = setup.world.group(GROUP).state.incidents
    assert (incident.state, incident.by_target) == (State.ACKNOWLEDGED, True)
    before = len(setup.world.told)
    setup.sweep(minutes=40)
    assert len(setup.world.told) == before
    setup.give(pod(setup, 3))
    assert {message.change.value for message in setup.world.told[before:]} == {"unacknowledged"}


def test_a_group_with_a_long_name_of_any_script_fits_into_a_key_and_is_told_apart() -> None:
    long = "\N{CAT FACE}" * 60
    names = {
        grouped(
            replace(FINDING, target="pod/a", labels={"service": long + end}), [Route(group_by=("service",), to=())]
        ).target
        for end in "ab"
    }
    assert len(names) == 2
    assert all(len(name.encode()) <= 200 for name in names)


def test_the_first_route_that_names_labels_decides_and_the_name_is_in_small_letters() -> None:
    finding = replace(FINDING, target="pod/a", labels={"Service": "Shop", "zone": "b"})
    both = [Route(group_by=("Service",), to=()), Route(group_by=("zone",), to=())]
    assert grouped(finding, both).target == "service/Shop"
    assert grouped(finding, both[::-1]).target == "zone/b"
    elsewhere = [Route(when=When(targets=("node/*",)), group_by=("zone",), to=()), both[0]]
    assert grouped(finding, elsewhere).target == "service/Shop"
