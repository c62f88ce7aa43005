"""What the incident service decided on is recorded: every event with its instants, and what became of every message."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from core.errors import LimitedError, UnavailableError
from core.events import DecisionKind, Delivered, Event, Finding, IncidentDecision, Severity, Status, Verb
from core.incidents.outbox import CHANGES_SIZE
from functions.adapters.events import encode
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.incident_router.router import read
from functions.runtime.push import Message
from functions.services.incidents.records import about
from tests.support.builders.budget import boundaries
from tests.support.fakes.outside import FINDING, LIFE, TARGET, Setup, found, set_up


@pytest.fixture
def setup() -> Setup:
    return set_up()


def records(setup: Setup, kind: DecisionKind) -> list[IncidentDecision]:
    """Each once, as the view has them."""
    return list({one.id: one for one in reversed(setup.world.decided) if one.kind is kind}.values())[::-1]


def deliveries(setup: Setup) -> list[tuple[str, str, str]]:
    made = [msgspec.json.decode(one.event, type=Delivered) for one in records(setup, DecisionKind.DELIVERY)]
    return [(one.channel, one.change, one.outcome) for one in made]


def test_each_finding_is_recorded_with_its_instants_and_its_place_in_the_group(setup: Setup) -> None:
    for finding in LIFE:
        setup.give(finding)
        setup.world.now += timedelta(minutes=1)
    kept = records(setup, DecisionKind.FINDING)
    assert [msgspec.json.decode(one.event, type=Finding) for one in kept] == LIFE
    assert [one.event_id for one in kept] == [finding.id for finding in LIFE]
    assert [one.decided_at for one in kept] == [one.published_at for one in kept]
    revisions = [one.revision for one in kept]
    assert revisions == sorted(revisions)
    assert {one.incident_group for one in kept} == {TARGET}


def test_a_finding_that_is_delivered_again_has_one_record_with_its_first_instant(setup: Setup) -> None:
    first = setup.world.now
    kept = about(FINDING, TARGET, first)
    for _ in range(3):
        setup.service.record(kept)
        setup.world.now += timedelta(minutes=1)
    assert len(records(setup, DecisionKind.FINDING)) == 1
    assert about(FINDING, TARGET, first).id == kept.id
    assert about(FINDING, TARGET, first + timedelta(microseconds=1)).id != kept.id
    assert about(replace(FINDING, status=Status.RESOLVED), TARGET, first).id != kept.id


def test_what_became_of_each_message_is_recorded_once(setup: Setup) -> None:
    setup.channels["log"].answer = Receipt(DeliveryOutcome.REFUSED, "no such room")
    setup.give(FINDING)
    assert sorted(deliveries(setup)) == [("inbox", "opened", "delivered"), ("log", "opened", "refused")]
    refused = next(one for one in setup.world.decided if "no such room" in one.event)
    assert refused.revision == setup.world.group().revision
    assert refused.event_id == f"{setup.incident().id}:notify:1:log"


def test_messages_that_waited_are_recorded_as_merged_into_the_last(setup: Setup) -> None:
    setup.channels["inbox"].fault = LimitedError("wait", setup.world.now + timedelta(seconds=20))
    setup.give(FINDING)
    setup.world.now += timedelta(minutes=1)
    setup.give(found(0, severity=Severity.CRITICAL))
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=1)
    inbox = [(change, outcome) for channel, change, outcome in deliveries(setup) if channel == "inbox"]
    assert inbox == [("opened", "merged"), ("escalated", "delivered")]
    assert setup.world.group().pending == ()


def test_a_sweep_is_recorded_and_what_it_decided_names_its_tick(setup: Setup) -> None:
    setup.give(replace(FINDING, severity=Severity.ERROR, observed_at=setup.world.now))
    setup.sweep(minutes=1)
    setup.sweep(minutes=5)
    sweeps = [(one.incident_group, one.revision) for one in records(setup, DecisionKind.SWEEP)]
    assert sorted(sweeps) == [("", 0), ("", 0), (TARGET, setup.world.group().revision)]
    [decided] = [one for one in records(setup, DecisionKind.SWEEP) if one.incident_group]
    assert decided.published_at == setup.world.now
    assert decided.event_id.startswith("sweep:")


def test_commands_and_silences_are_recorded(setup: Setup) -> None:
    setup.give(FINDING)
    told = setup.command(Verb.ACKNOWLEDGE, note="mine")
    silence = setup.command(Verb.SILENCE, subject="model/*", hours=1)
    end = setup.command(Verb.UNSILENCE, subject="model/*")
    kept = records(setup, DecisionKind.COMMAND)
    assert [one.event_id for one in kept] == [told.id, silence.id, end.id]
    assert [one.incident_group for one in kept] == [TARGET, "", ""]


def test_a_record_has_no_secret_and_is_bounded() -> None:
    cat = "\N{CAT FACE}" * 5000
    wild = replace(FINDING, summary=f"password=hunter2 {cat}", source=cat, unit=cat, runbook=cat)
    wild = replace(wild, evidence={f"{number}{cat}": "token=hunter2" for number in range(50)})
    at = FINDING.observed_at
    received = read(Message(id="1", data=encode(wild), published_at=at)).event
    assert isinstance(received, Finding)
    record = about(received, TARGET, at)
    assert "hunter2" not in record.event
    assert len(record.event.encode()) < CHANGES_SIZE / 10


def test_a_bus_that_takes_no_record_has_the_finding_delivered_again(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(topic: str, events: Sequence[Event]) -> None:
        raise UnavailableError(f"bus: {topic}: no answer")

    setup.give(FINDING)
    repeated = found(1)  # it entails nothing
    monkeypatch.setattr(setup.service.dispatcher.bus, "publish_all", down)
    with pytest.raises(UnavailableError, match="bus: incident-decisions: no answer"):
        setup.give(repeated)
    monkeypatch.undo()
    setup.give(repeated)
    assert [one.event_id for one in records(setup, DecisionKind.FINDING)] == [FINDING.id, repeated.id]


def test_killed_at_any_boundary_every_event_and_every_message_is_recorded() -> None:
    whole = set_up()
    whole.give(*LIFE)
    for boundary in boundaries(whole.world.boundaries):
        setup = set_up()
        setup.world.kill_at = boundary
        for finding in LIFE:
            setup.redeliver([finding])
        kept = {one.event_id for one in records(setup, DecisionKind.FINDING)}
        assert kept == {finding.id for finding in LIFE}
        told = {one.event_id for one in records(setup, DecisionKind.DELIVERY)}
        assert told == {message.key for message in setup.world.told}
