"""From a finding to an incident that is saved, published and told: whatever does not answer."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import DeadlineError, UnavailableError
from core.events import Change, Status
from core.incidents.messages import Message
from core.incidents.model import State
from core.incidents.outbox import BACKLOG_LIMIT
from functions.adapters import request_deadline
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.ports import Data, Document
from tests.support.crash.breaking import MemoryStore
from tests.support.fakes.clock import Seconds
from tests.support.fakes.outside import (
    FINDING,
    LIFE,
    START,
    TARGET,
    MemoryChannel,
    Setup,
    assert_nothing_lost_and_nobody_woken_twice,
    changes,
    found,
    set_up,
)


@pytest.fixture
def setup() -> Setup:
    return set_up()


def test_a_finding_opens_an_incident_that_is_saved_published_told_and_counted(setup: Setup) -> None:
    setup.give(FINDING)
    world = setup.world
    change, told = world.published
    copy = world.incidents()[change.incident_id]
    assert (change.change, change.finding_id, change.reason) == (Change.OPENED, FINDING.id, "first_firing")
    assert (copy["state"], copy["open"], copy["target"], copy["severity"]) == ("open", True, TARGET, "warning")
    assert copy["conditions"][0]["value"] == 0.6
    assert copy["conditions"][0]["evidence"] == [{"name": "departure_delay", "text": "PSI 0.6"}]
    assert copy["timeline"][0]["change"] == "opened"
    assert (told.reason, told.summary) == ("notified", "opened: notified technical, operations (inbox, log)")
    assert sorted(world.performed()) == sorted(
        [change.id, told.id, *(f"{change.incident_id}:notify:1:{name}" for name in ("inbox", "log"))]
    )
    assert world.counts["aia_incident_changes_total", "opened"] == 1
    assert world.counts["aia_notifications_total", "inbox", "delivered"] == 1


def test_a_whole_life_is_told_step_by_step(setup: Setup) -> None:
    setup.give(*LIFE)
    world = setup.world
    story = ["opened", "escalated", "updated", "updated", "resolved", "reopened", "resolved", "opened"]
    assert [change.change.value for change in world.published if change.reason != "notified"] == story
    assert [message.change.value for message in world.told if message.channel == "inbox"] == [
        change for change in story if change != "updated"
    ]
    former, current = world.incidents().values()
    assert (former["state"], former["open"], current["state"], current["open"]) == ("resolved", False, "open", True)
    assert_nothing_lost_and_nobody_woken_twice(world, LIFE)


def test_delivered_five_times_it_has_the_effect_of_once(setup: Setup) -> None:
    setup.give(*[finding for finding in LIFE for _ in range(5)])
    once = set_up()
    once.give(*LIFE)
    assert changes(setup.world) == changes(once.world)
    assert setup.world.performed() == once.world.performed()
    assert set(setup.world.performed().values()) == {1}


def test_in_reverse_order_it_ends_in_the_same_state(setup: Setup) -> None:
    setup.give(*reversed(LIFE))
    assert_nothing_lost_and_nobody_woken_twice(setup.world, LIFE)


def test_a_repeated_firing_wakes_nobody_and_is_kept(setup: Setup) -> None:
    setup.give(found(0), *[found(15 * n) for n in range(1, 20)])
    assert len(setup.world.told) == 2
    (condition,) = setup.world.group().state.conditions
    assert condition.observed_at == START + timedelta(minutes=285)


def test_a_dead_channel_does_not_hold_up_the_others_and_gets_its_message_when_it_is_back(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError, match="channel inbox: no answer"):
        setup.give(FINDING)
    world = setup.world
    assert changes(world) == ["opened", "updated"]
    assert [message.channel for message in world.told] == ["log"]
    assert [effect.queue for effect in world.group().pending] == ["notify:inbox"]
    setup.channels["inbox"].fault = None
    setup.give(FINDING)
    assert [message.channel for message in world.told] == ["log", "inbox"]
    assert changes(world) == ["opened", "updated"]
    assert world.group().pending == ()
    assert world.counts["aia_notifications_total", "inbox", "failed"] == 1


def test_what_fired_and_was_over_while_a_channel_was_away_is_one_message(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    for finding in (found(0), found(5, Status.RESOLVED)):
        with pytest.raises(UnavailableError):
            setup.give(finding)
    setup.channels["inbox"].fault = None
    setup.give(found(5, Status.RESOLVED))
    told = [(message.change.value, message.missed) for message in setup.world.told if message.channel == "inbox"]
    assert told == [("resolved", True)]


def test_a_channel_with_a_bug_is_like_a_dead_one(setup: Setup) -> None:
    setup.channels["inbox"].fault = ZeroDivisionError()
    with pytest.raises(UnavailableError, match="notify:inbox: unexpected ZeroDivisionError"):
        setup.give(FINDING)
    assert [message.channel for message in setup.world.told] == ["log"]


def test_a_channel_away_for_long_gets_how_things_stand(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    flaps = [found(100 * n, Status.RESOLVED if n % 2 else Status.FIRING) for n in range(30)]
    for finding in flaps:
        with pytest.raises(UnavailableError):
            setup.give(finding)
    setup.channels["inbox"].fault = None
    setup.give(flaps[-1])
    assert len(setup.world.channel_keys("inbox")) <= BACKLOG_LIMIT
    superseded = setup.world.counts["aia_notifications_total", "inbox", "superseded"]
    assert superseded == len(setup.world.channel_keys("log")) - BACKLOG_LIMIT


def test_a_channel_that_takes_no_messages_is_a_finding_of_its_own(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    for minute in range(4):
        setup.world.now += timedelta(seconds=20)
        with pytest.raises(UnavailableError, match="no answer"):
            setup.give(found(minute))
    setup.world.now += timedelta(minutes=2)
    setup.give(found(5))  # what waits for long is left to the sweep
    (finding,) = setup.world.found
    assert (finding.target, finding.status, finding.severity.value) == ("channel/inbox", Status.FIRING, "error")
    assert "no answer" in finding.summary


def test_a_request_that_is_over_says_nothing_about_its_channels(setup: Setup) -> None:
    setup.channels["inbox"].fault = DeadlineError("deadline: 60 s of this request are over")
    for minute in range(4):
        setup.world.now += timedelta(seconds=20)
        with pytest.raises(UnavailableError, match="are over"):
            setup.give(found(minute))
    setup.world.now += timedelta(minutes=2)
    setup.give(found(5))
    assert setup.world.found == []


class Punctual(MemoryStore):
    """Takes no call after the deadline of a request, as every adapter."""

    def get(self, collection: str, key: str) -> Document | None:
        request_deadline.within(1)
        return super().get(collection, key)

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        request_deadline.within(1)
        return super().replace(document, collection, data)


def test_a_message_that_took_all_the_time_of_its_request_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    setup, clock = set_up(kept=Punctual), Seconds()
    send = MemoryChannel.send

    def slow(channel: MemoryChannel, message: Message) -> Receipt:
        request_deadline.within(1)
        clock.now += 60 - request_deadline.RESERVE
        return send(channel, message)

    monkeypatch.setattr(MemoryChannel, "send", slow)
    for ends in (pytest.raises(UnavailableError, match="are over"), nullcontext()):  # delivered again
        with request_deadline.request(60, clock=clock), ends:
            setup.give(FINDING)
        assert setup.world.group().claims == ()
    assert sorted(message.channel for message in setup.world.told) == ["inbox", "log"]


def test_a_refused_message_is_final_and_stands_in_the_timeline(setup: Setup) -> None:
    setup.channels["inbox"].answer = Receipt(DeliveryOutcome.REFUSED, "HTTP 404")
    setup.give(FINDING, FINDING)
    world = setup.world
    (copy,) = world.incidents().values()
    assert [entry["reason"] for entry in copy["timeline"]] == ["first_firing", "notified", "notification_refused"]
    assert copy["timeline"][2]["summary"] == "inbox refused the message: HTTP 404"
    assert changes(world) == ["opened", "updated", "updated"]
    assert [finding.target for finding in world.found] == ["channel/inbox"]
    assert world.counts["aia_notifications_total", "inbox", "refused"] == 1
    assert world.group().pending == ()


def test_a_channel_that_the_settings_no_longer_name_is_given_up(setup: Setup) -> None:
    setup.channels["inbox"].fault = UnavailableError("channel inbox: no answer")
    with pytest.raises(UnavailableError):
        setup.give(FINDING)
    del setup.service.dispatcher.channels["inbox"]
    setup.give(FINDING)
    assert setup.world.group().pending == ()
    assert changes(setup.world) == ["opened", "updated", "updated"]


def test_hostile_text_reaches_neither_keys_nor_lines(setup: Setup) -> None:
    hostile = "<b>\n\x1b[31m\u202e__proto__" * 200
    setup.give(replace(FINDING, target="Ünïcode/<&>", summary=hostile, runbook=hostile, evidence={hostile: hostile}))
    (copy,) = setup.world.incidents().values()
    assert copy["id"].isascii()
    assert "<" not in copy["id"]
    message = setup.world.told[0]
    assert message.title.isprintable()
    assert all(line.isprintable() for line in message.text.splitlines())
    assert copy["state"] == State.OPEN
