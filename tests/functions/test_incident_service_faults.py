"""The incident service while something else goes wrong: deliveries repeat and overtake, settings change, channels and stores fail."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import BusyError, LimitedError, RefusedError, UnavailableError
from core.events import ActionDecision, Change, Command, Mode, Severity, Stage, Status, Verb
from core.incidents.messages import Message
from core.incidents.model import State
from core.incidents.policy import Graph
from core.incidents.silences import LIMIT
from core.settings import Dependency, Route, When
from functions.adapters.notify.channel import Channel, DeliveryOutcome, Receipt
from functions.adapters.store import normal
from functions.services.incidents.documents import INCIDENTS, SILENCES, SILENCES_KEY, incident_data
from tests.support.fakes.outside import FINDING, PEOPLE, POLICY, TARGET, MemoryChannel, Setup, found, set_up

OTHER = "table/flights"
ERROR, CRITICAL = Severity.ERROR, Severity.CRITICAL


@pytest.fixture
def setup() -> Setup:
    return set_up()


def now(setup: Setup, status: Status = Status.FIRING, severity: Severity = ERROR, **fields: Any) -> None:
    setup.give(replace(found(0, status, severity), observed_at=setup.world.now, **fields))


def told(setup: Setup, channel: str) -> list[str]:
    return [message.change.value for message in setup.world.told if message.channel == channel]


def regroup(setup: Setup, *dependencies: Dependency) -> None:
    policy = replace(setup.service.policy, graph=Graph(dependencies))
    setup.service = replace(setup.service, policy=policy)


def feed(setup: Setup, told_before: int) -> int:
    """Deliver the findings that were published since, a moment later, as the bus does."""
    for finding in setup.world.found[told_before:]:
        setup.world.now += timedelta(seconds=2)
        setup.give(finding)
    return len(setup.world.found) if told_before == len(setup.world.found) else feed(setup, told_before + 1)


# What is said twice, late, or out of order


def test_a_silence_delivered_again_after_it_was_taken_back_stays_taken_back(setup: Setup) -> None:
    silence = setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.UNSILENCE, subject="model/*")
    setup.world.now += timedelta(minutes=1)
    setup.give(silence)
    now(setup)
    assert told(setup, "inbox") == ["opened"]


def test_a_silence_that_comes_after_it_was_taken_back_silences_nothing(setup: Setup) -> None:
    at = setup.world.now
    silence = Command(verb=Verb.SILENCE, subject="model/*", by="ada", at=at, until=at + timedelta(minutes=30))
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.UNSILENCE, subject="model/*")
    setup.world.now += timedelta(minutes=1)
    setup.give(silence)
    now(setup)
    assert told(setup, "inbox") == ["opened"]


def test_a_silence_beyond_those_that_may_hold_is_refused_and_drops_none(setup: Setup) -> None:
    for number in range(LIMIT):
        setup.command(Verb.SILENCE, subject=f"table/{number}", minutes=30)
    with pytest.raises(RefusedError, match="silences: must be at most 200, all hold; got one more, 'model/\\*'"):
        setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    assert {silence.pattern for silence in setup.service.silences()} == {f"table/{number}" for number in range(LIMIT)}
    setup.command(Verb.UNSILENCE, subject="table/0")
    setup.world.now += timedelta(seconds=1)
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    assert told(setup, "inbox") == []


def test_a_silence_made_after_another_was_taken_back_holds(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.UNSILENCE, subject="model/*")
    setup.world.now += timedelta(minutes=1)
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    assert setup.world.told == []


def decision(setup: Setup, incident_id: str) -> ActionDecision:
    return ActionDecision(
        request_id=f"{incident_id}:1:flush_cache:{TARGET}",
        sequence=1,
        incident_id=incident_id,
        action="flush_cache",
        target=TARGET,
        mode=Mode.ACT,
        stage=Stage.VERIFIED,
        reason="verified",
        at=setup.world.now,
    )


def test_an_acknowledgement_that_comes_before_the_copy_of_its_incident_is_not_lost() -> None:
    setup = set_up()
    setup.give(FINDING)
    incident = setup.incident().id
    del setup.world.documents[INCIDENTS, incident]
    command = Command(verb=Verb.ACKNOWLEDGE, subject=incident, by="ada", at=setup.world.now)
    for event in (command, decision(setup, incident)):
        with pytest.raises((BusyError, UnavailableError), match=incident):
            setup.give(event)


def test_a_command_about_an_incident_that_never_was_is_given_up_in_the_end(setup: Setup) -> None:
    command = Command(verb=Verb.ACKNOWLEDGE, subject="model-none-20260102-00000000", by="ada", at=setup.world.now)
    setup.world.now += timedelta(hours=2)
    setup.give(command)
    assert setup.world.documents == {}


def test_what_is_said_of_an_incident_that_is_forgotten_changes_nothing(setup: Setup) -> None:
    for days in range(3):
        now(setup)
        setup.world.now += timedelta(minutes=5)
        now(setup, Status.RESOLVED)
        setup.sweep(minutes=5)
        setup.world.now += timedelta(days=1)
        assert days < 3
    first = next(iter(sorted(setup.world.incidents())))
    remembered = {incident.id for incident in setup.world.group().state.incidents}
    forgotten = [name for name in setup.world.incidents() if name not in remembered]
    assert forgotten, first
    before = dict(setup.world.documents)
    for name in forgotten:
        setup.give(decision(setup, name))
        setup.command(Verb.ACKNOWLEDGE, subject=name)
        setup.command(Verb.RESOLVE, subject=name)
    assert setup.world.documents == before


# The settings change


def test_what_moves_to_another_group_is_an_incident_of_its_own_there(setup: Setup) -> None:
    now(setup)
    regroup(setup, Dependency(target=TARGET, needs="api/gateway"))
    for _ in range(10):
        setup.sweep(minutes=1)
    (old,) = setup.world.group().state.incidents
    (new,) = setup.world.group("api/gateway").state.incidents
    assert (old.state, new.state) == (State.RESOLVED, State.OPEN)
    assert old.id != new.id
    assert {name: copy["open"] for name, copy in setup.world.incidents().items()} == {old.id: False, new.id: True}
    assert old.merged_into == new.id
    assert {Change.MERGED, Change.RESOLVED} & {entry.change for entry in old.timeline} == {Change.MERGED}
    assert told(setup, "inbox") == ["opened", "opened", "merged"]
    assert told(setup, "pager") == ["escalated"]
    setup.command(Verb.ACKNOWLEDGE, subject=old.id)
    assert setup.world.group("api/gateway").state.incidents[0].state is State.ACKNOWLEDGED


def test_who_was_notified_of_what_moves_is_notified_of_the_incident_that_it_joins_before_its_own_is_given_up(
    setup: Setup,
) -> None:
    """The other incident is as severe, so that nobody would be notified that a condition joined it."""
    other = "api/gateway"
    routes = (
        Route(when=When(targets=(other,)), to=("operations",)),
        Route(when=When(targets=(TARGET,)), to=("technical",)),
    )
    setup.service = replace(setup.service, policy=replace(POLICY, people=replace(PEOPLE, routes=routes)))
    now(setup)
    now(setup, target=other)
    regroup(setup, Dependency(target=TARGET, needs=other))
    before = len(setup.world.told)
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    for _ in range(3):
        setup.sweep(minutes=1)
    assert setup.incident().state is State.OPEN, "the inbox does not know the other one yet"
    setup.channels["inbox"].fault = None
    for _ in range(4):
        setup.sweep(minutes=1)
    heard = [(m.incident_id, m.change) for m in setup.world.told[before:] if m.channel == "inbox"]
    (whole,) = setup.world.group(other).state.incidents
    assert heard == [(whole.id, Change.UPDATED), (setup.incident().id, Change.MERGED)]


@pytest.mark.parametrize(("holds", "end"), [(None, State.RESOLVED), (5, State.RESOLVED)])
def test_what_moves_and_ends_there_before_its_receivers_heard_of_it_ends_here_as_it_did_there(
    setup: Setup, holds: float | None, end: State
) -> None:
    until = setup.world.now + timedelta(minutes=holds) if holds else None
    now(setup, holds_until=until)
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    regroup(setup, Dependency(target=TARGET, needs="api/gateway"))
    setup.sweep(minutes=1)
    assert setup.incident().state is State.OPEN
    if holds is None:
        with pytest.raises(UnavailableError):
            now(setup, Status.RESOLVED)
    for _ in range(8):
        setup.sweep(minutes=1)
    old = setup.incident()
    assert (old.state, old.expired, old.merged_into) == (end, holds is not None, "")


def test_what_moves_there_and_back_again_is_one_incident_that_ends_as_every_other(setup: Setup) -> None:
    now(setup)
    regroup(setup, Dependency(target=TARGET, needs="api/gateway"))
    for _ in range(4):
        setup.sweep(minutes=1)
    regroup(setup)
    for _ in range(4):
        setup.sweep(minutes=1)
    old = setup.incident()
    assert (old.state, old.merged_into) == (State.OPEN, "")
    (there,) = setup.world.group("api/gateway").state.incidents
    assert there.merged_into == old.id
    now(setup, Status.RESOLVED)
    assert told(setup, "inbox") == ["opened", "opened", "merged", "reopened", "merged", "resolved"]


def test_a_finding_delivered_again_to_another_group_is_an_incident_of_its_own_there(setup: Setup) -> None:
    now(setup)
    finding = replace(found(0, severity=ERROR), observed_at=setup.world.now)
    regroup(setup, Dependency(target=TARGET, needs="api/gateway"))
    setup.give(finding)
    (old,) = setup.world.group().state.incidents
    (new,) = setup.world.group("api/gateway").state.incidents
    assert old.id != new.id


def test_a_channel_taken_out_of_the_settings_is_no_fault_of_a_channel(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError):
        now(setup)
    del setup.service.dispatcher.channels["inbox"]
    for _ in range(2):
        setup.sweep(minutes=1)
    assert setup.world.group().pending == ()
    assert setup.world.found == []


def test_a_failing_channel_taken_out_of_the_settings_is_over(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError):
        now(setup)
    for _ in range(3):
        setup.sweep(minutes=1)
    del setup.service.dispatcher.channels["inbox"]
    setup.sweep(minutes=1)
    setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING, Status.RESOLVED]


def test_a_stakeholder_taken_out_of_the_settings_stops_no_other(setup: Setup) -> None:
    now(setup)
    people = replace(POLICY.people, stakeholders={"operations": POLICY.people.stakeholders["operations"]})
    service = replace(setup.service, policy=replace(POLICY, people=people))
    setup.service = service
    for _ in range(70):
        setup.sweep(minutes=1)
    assert told(setup, "pager") == []
    assert told(setup, "log") == ["opened", "updated"]


# Channels


@dataclass
class OnlyCritical:
    """A channel whose rate leaves room for critical messages only."""

    inner: MemoryChannel

    def send(self, message: Message) -> Receipt:
        if message.severity is not CRITICAL:
            raise LimitedError("channel inbox: for critical ones only", self.inner.world.now + timedelta(hours=1))
        return self.inner.send(message)


def use(setup: Setup, name: str, channel: Channel) -> None:
    setup.service.dispatcher.channels[name] = channel


def test_a_critical_page_does_not_wait_behind_a_lesser_one_of_its_group(setup: Setup) -> None:
    regroup(setup, Dependency(target=TARGET, needs=OTHER), Dependency(target="model/other", needs=OTHER))
    use(setup, "inbox", OnlyCritical(setup.channels["inbox"]))
    now(setup, target="model/other")
    now(setup, severity=CRITICAL)
    assert [(one.target, one.severity) for one in setup.world.told if one.channel == "inbox"] == [(TARGET, CRITICAL)]


def test_messages_of_several_incidents_that_waited_are_one_each_and_none_overtakes_a_newer_one(setup: Setup) -> None:
    regroup(setup, Dependency(target=TARGET, needs=OTHER), Dependency(target="model/other", needs=OTHER))
    setup.channels["inbox"].fault = LimitedError("channel inbox: wait", setup.world.now + timedelta(hours=1))
    now(setup)
    now(setup, target="model/other")
    setup.world.now += timedelta(minutes=2)
    now(setup, severity=CRITICAL)
    now(setup, Status.RESOLVED, target="model/other")
    setup.channels["inbox"].fault = None
    setup.sweep(minutes=2)
    sent = [(one.target, one.change.value, one.missed) for one in setup.world.told if one.channel == "inbox"]
    assert sent == [(TARGET, "escalated", True), ("model/other", "resolved", True)]
    assert setup.world.group("model/flight-delay").pending == ()


def test_a_channel_that_refuses_is_one_finding_until_it_takes_a_message(setup: Setup) -> None:
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.REFUSED, "HTTP 404")
    now(setup)
    fed = 0
    for _ in range(240):
        fed = feed(setup, fed)
        setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING]
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.DELIVERED)
    now(setup, Status.RESOLVED)
    setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING, Status.RESOLVED]


def test_a_refusal_met_by_the_sweep_is_no_recovery(setup: Setup) -> None:
    setup.channels["inbox"].fault = LimitedError("channel inbox: wait", setup.world.now + timedelta(hours=1))
    now(setup)
    setup.channels["inbox"] = MemoryChannel(setup.world, answer=Receipt(DeliveryOutcome.REFUSED, "HTTP 404"))
    use(setup, "inbox", setup.channels["inbox"])
    for _ in range(3):
        setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING]
    reasons = [entry.reason.value for entry in setup.incident().timeline]
    assert reasons.count("notification_refused") == 1


def test_a_channel_that_works_costs_no_writes_of_its_health(setup: Setup) -> None:
    now(setup)
    assert not [key for name, key in setup.world.documents if name == "conditions"]


def test_a_recovery_that_the_bus_did_not_take_is_published_later(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError):
        now(setup)
    for _ in range(3):
        setup.sweep(minutes=1)
    setup.channels["inbox"].fault = None
    bus = setup.service.dispatcher.bus
    publish = bus.publish
    down = True

    def unsteady(topic: str, event: Any, **attributes: str) -> None:
        if down and topic == "findings":
            raise UnavailableError("bus: no answer")
        publish(topic, event, **attributes)

    bus.publish = unsteady  # type: ignore[method-assign]  # the bus of this test alone
    setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING]
    down = False
    setup.sweep(minutes=1)
    assert [one.status for one in setup.world.found] == [Status.FIRING, Status.RESOLVED]


# The store


def test_silences_that_cannot_be_read_keep_nobody_from_being_told(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/else", minutes=30)
    document = setup.world.documents[SILENCES, SILENCES_KEY]
    setup.world.documents[SILENCES, SILENCES_KEY] = replace(document, data={"silences": [{"glob": "model/*"}]})
    now(setup)
    assert told(setup, "inbox") == ["opened"]


def test_silences_go_on_while_the_store_does_not_answer(setup: Setup) -> None:
    setup.command(Verb.SILENCE, subject="model/*", minutes=30)
    silences = setup.service.silences
    assert len(silences()) == 1
    setup.world.now += timedelta(minutes=1)
    setup.world.chance = lambda: 0.0
    assert len(silences()) == 1


def test_silences_are_read_again_after_the_clock_was_set_back(setup: Setup) -> None:
    setup.service.silences()
    setup.world.now -= timedelta(hours=1)
    other = set_up()
    other.world.documents, other.world.now = setup.world.documents, setup.world.now
    other.command(Verb.SILENCE, subject="model/*", minutes=30)
    now(setup)
    assert setup.world.told == []


# Both copies


def test_the_copies_of_two_incidents_in_one_group_match_it(setup: Setup) -> None:
    regroup(setup, Dependency(target=TARGET, needs=OTHER), Dependency(target="model/other", needs=OTHER))
    now(setup)
    now(setup, target="model/other")
    setup.world.now += timedelta(minutes=3)
    setup.command(Verb.ACKNOWLEDGE, subject=setup.world.group().state.incidents[0].id)
    now(setup, Status.RESOLVED, target="model/other")
    for _ in range(5):
        setup.sweep(minutes=1)
    group = setup.world.group()
    assert len(group.state.incidents) == 2
    for incident in group.state.incidents:
        kept = setup.world.incidents()[incident.id]
        wanted = incident_data(group, incident.id)
        assert wanted is not None
        assert kept | {"revision": 0} == normal(wanted) | {"revision": 0}


def test_a_channel_that_refuses_hands_on_to_the_next_tier_in_the_same_delivery(setup: Setup) -> None:
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.REFUSED, "invalid_auth")
    now(setup)
    assert told(setup, "pager") == ["escalated"]
    (message,) = (message for message in setup.world.told if message.channel == "pager")
    assert message.text.startswith(
        "Handed on to you, because inbox refused the message: invalid_auth: model/flight-delay, severity error"
    )
    reasons = [entry.reason.value for entry in setup.incident().timeline]
    assert reasons == ["first_firing", "notified", "notification_refused", "handed_on"]


def test_where_every_tier_refuses_each_is_told_once(setup: Setup) -> None:
    for channel in setup.channels.values():
        channel.answer = Receipt(DeliveryOutcome.REFUSED, "invalid_auth")
    now(setup)
    setup.sweep(minutes=1)
    reasons = [entry.reason.value for entry in setup.incident().timeline]
    assert (reasons.count("notification_refused"), reasons.count("handed_on")) == (3, 1)  # inbox, log, pager
    assert setup.world.group().pending == ()


def test_a_finding_that_is_delivered_again_after_a_refusal_hands_on_once(setup: Setup) -> None:
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.REFUSED, "invalid_auth")
    for _ in range(3):
        setup.give(replace(found(0, severity=ERROR), observed_at=setup.world.now))
    assert told(setup, "pager") == ["escalated"]
