"""Whatever is posted is published or parked: nothing is lost, and nothing breaks."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.alert_intake.alert import MOST_ALERTS, Ignored
from functions.alert_intake.intake import read
from tests.support.builders.budget import examples
from tests.support.builders.hostile import MUTATIONS, SEEDS, bodies, check, mutated, spoilt
from tests.support.fakes.intake import NOW, World, payload, push


def test_no_mutation_of_a_saved_body_breaks_anything_or_loses_an_alert() -> None:
    taken = [check(body) for body in bodies()]
    count = MUTATIONS + len(SEEDS)
    assert len(taken) == count
    accepted, parked = (sum(numbers) for numbers in zip(*taken, strict=True))
    assert accepted > count / 2, "the mutations are so wild that they test only the parking"
    assert parked > count / 20, "the mutations are so tame that they test only the findings"


def test_no_mutation_of_a_push_request_breaks_anything() -> None:
    rng = random.Random(7)
    saved = [push(payload(name)) for name in SEEDS]
    for number in range(examples(2000)):
        body = rng.choice(saved)
        body = spoilt(rng, body) if number % 2 else json.dumps(mutated(rng, json.loads(body))).encode()
        world = World()
        assert world.send(body).status_code in (200, 204), body
        assert world.bus.events or world.park.letters or says_nothing(body), body
        assert not [reason for reason in world.park.reasons if reason.startswith("unexpected")], body
        assert len(world.findings()) + len(world.unheard()) <= len(world.bus.events)


def says_nothing(body: bytes) -> bool:
    """Whether all that a body holds is understood, and about no target."""
    return all(isinstance(one, Ignored) for one in read(body, NOW).outcomes)


WORDS = """
    alerts labels annotations status startsAt endsAt alertname severity incident state resource metric type
    condition Records Sns Type Message AlarmName NewStateValue Trigger Dimensions target kind ruleName evalMatches
    alert_uid title message documentation links values evidence truncatedAlerts
"""
names = st.sampled_from(WORDS.split())
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["firing", "OK", "closed"])
)
trees = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(names | st.text(), inner), max_leaves=20)


@settings(max_examples=examples(400), deadline=None)
@given(trees)
def test_json_of_any_shape_is_published_or_parked(body: Any) -> None:
    assert sum(check(json.dumps(body).encode())) >= (body != [])


@settings(max_examples=examples(200), deadline=None)
@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_published_or_parked(body: bytes) -> None:
    assert sum(check(body)) >= 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"alerts": []}',
        b"[" * 200_000,
        b'{"alerts":' * 50_000,
        b'{"alerts": [' + b"[" * 900 + b"]" * 900 + b"]}",
        b'{"incident": ' + b"9" * 5000 + b"}",
        b'{"alerts": [' + b"9" * 5000 + b"]}",
        b'{"a": NaN, "b": Infinity, "c": -1e999}',
        b'{"title": "\\ud800", "state": "alerting"}',
        b"\xff\xfe{\x00}\x00",
        b"\x1f\x8b\x08\x00",
        b'{"title": "a", "title": "b", "state": "ok", "state": "alerting"}',
    ],
)
def test_the_edges_of_json_are_published_or_parked(body: bytes) -> None:
    assert check(body)


def test_a_number_no_computer_has_takes_no_other_alert_with_it() -> None:
    body = (
        b'{"alerts": [{"labels": {"alertname": "A"}, "values": {"B": '
        + b"9" * 5000
        + b'}}, {"labels": {"alertname": "C"}}]}'
    )
    assert check(body) == (2, 0)


def test_bodies_of_megabytes_are_read_and_kept_short() -> None:
    labels = {"alertname": "A", "job": "x" * 2_000_000, "instance": "\n" * 2_000_000}
    body = json.dumps({"alerts": [{"labels": labels, "annotations": {"summary": "secret=" * 200_000}}]}).encode()
    assert len(body) > 5_000_000
    assert check(body) == (1, 0)
    world = World()
    many = {"alerts": [{"labels": {"alertname": f"A{number}"}} for number in range(MOST_ALERTS)]}
    assert world.send(json.dumps(many).encode()).status_code == 200
    assert len({finding.condition for finding in world.findings()}) == MOST_ALERTS


def test_what_cannot_be_written_by_itself_is_parked_with_its_body() -> None:
    """What is read at the limit of the recursion cannot always be written there."""
    for levels in range(900, 1010):
        world = World()
        world.send(b'{"alerts": ["x", ' + b"[" * levels + b"]" * levels + b"]}")
        assert len(world.park.letters) in (1, 2)


def test_the_same_body_always_reads_the_same() -> None:
    for name in SEEDS:
        assert list(read(payload(name), NOW).outcomes) == list(read(payload(name), NOW).outcomes)
