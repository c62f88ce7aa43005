"""An incident is one thread of a room: its card is updated in place, its changes are replies, whichever instance sends them."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import LimitedError, UnavailableError
from core.events import Change
from core.incidents.messages import Message
from core.settings.channels import SlackChannel
from functions.adapters.notify.channel import Answers, Context, DeliveryOutcome, Receipt
from functions.adapters.notify.slack_bot import SlackBot
from functions.adapters.notify.slack_threads import COLLECTION, KEEP
from tests.support.builders.letters import MESSAGE, NOW
from tests.support.checks.quiet import quiet
from tests.support.crash.breaking import Breaking, KilledError, MemoryStore
from tests.support.servers.receivers import Reply
from tests.support.servers.slack import NAME, TOKEN, SlackServer
from tests.support.servers.targets import serving

DELIVERED = Receipt(DeliveryOutcome.DELIVERED)


@pytest.fixture
def server() -> Iterator[SlackServer]:
    made = SlackServer(seconds=0)
    with serving(made):
        yield made


@pytest.fixture
def world() -> Breaking:
    return Breaking(now=NOW)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, TOKEN):
        yield


def bot(server: SlackServer, world: Breaking, *, answers: bool = False) -> SlackBot:
    """The channel as a further instance opens it."""
    context = Context(clock=lambda: world.now, seconds=2.0, store=MemoryStore(world), answers=Answers(slack=answers))
    return SlackBot(SlackChannel(name="team", token=TOKEN, room=NAME, api=server.api), context)


def changed(change: Change, minute: int, **fields: Any) -> Message:
    at = NOW + timedelta(minutes=minute)
    return replace(MESSAGE, key=f"{MESSAGE.incident_id}:{minute}", change=change, at=at, **fields)


ACKNOWLEDGED = changed(Change.ACKNOWLEDGED, 1, title="ada has it")
RESOLVED = changed(Change.RESOLVED, 2, title="it is over")


def test_changes_update_the_card_and_reply_in_its_thread(server: SlackServer, world: Breaking) -> None:
    for message in (MESSAGE, ACKNOWLEDGED, RESOLVED):
        assert bot(server, world).send(message) == DELIVERED
    ((ts, card),) = server.room.items()
    assert card["text"] == "🟢 resolved: it is over"
    assert [reply["text"] for reply in server.replies[ts]] == [
        "🔴 acknowledged: ada has it",
        "🟢 resolved: it is over",
    ]
    assert server.log.faults == []


def test_another_incident_has_another_thread(server: SlackServer, world: Breaking) -> None:
    for message in (MESSAGE, replace(MESSAGE, incident_id="another"), ACKNOWLEDGED):
        bot(server, world).send(message)
    assert [len(server.room), [len(replies) for replies in server.replies.values()]] == [2, [1]]


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (Change.ESCALATED, True),
        (Change.REOPENED, True),
        (Change.UPDATED, True),
        (Change.ACKNOWLEDGED, False),
        (Change.MITIGATED, False),
        (Change.RESOLVED, False),
    ],
)
def test_what_nobody_takes_care_of_is_shown_in_the_room_as_well(
    server: SlackServer, world: Breaking, change: Change, *, seen: bool
) -> None:
    for message in (MESSAGE, changed(change, 1)):
        bot(server, world).send(message)
    ((reply,),) = server.replies.values()
    assert reply["broadcast"] is seen


def test_the_message_of_the_card_delivered_again_is_no_second_card_and_no_reply(
    server: SlackServer, world: Breaking
) -> None:
    for _ in range(3):
        assert bot(server, world).send(MESSAGE) == DELIVERED
    assert (len(server.room), server.replies) == (1, {})


def test_a_reply_delivered_again_is_posted_once(server: SlackServer, world: Breaking) -> None:
    for message in (MESSAGE, ACKNOWLEDGED, ACKNOWLEDGED, RESOLVED, RESOLVED):
        assert bot(server, world).send(message) == DELIVERED
    assert [len(replies) for replies in server.replies.values()] == [2]


def test_a_process_that_dies_anywhere_between_costs_one_more_reply_at_most(
    server: SlackServer, world: Breaking
) -> None:
    bot(server, world).send(MESSAGE)
    for deaths in range(1, 5):
        world.kill_at = world.boundaries + deaths
        with suppress(KilledError):
            bot(server, world).send(ACKNOWLEDGED)
        world.kill_at, world.dead = 0, False
    for _ in range(2):
        assert bot(server, world).send(ACKNOWLEDGED) == DELIVERED
    ((replies),) = server.replies.values()
    assert 1 <= len(replies) <= 4
    assert len(server.room) == 1


def test_a_change_that_comes_late_is_a_reply_and_does_not_set_the_card_back(
    server: SlackServer, world: Breaking
) -> None:
    for message in (MESSAGE, RESOLVED, ACKNOWLEDGED):
        bot(server, world).send(message)
    ((ts, card),) = server.room.items()
    assert card["text"] == "🟢 resolved: it is over"
    assert [reply["text"] for reply in server.replies[ts]][-1] == "🔴 acknowledged: ada has it"


def test_a_process_that_dies_between_slack_and_the_store_costs_one_more_card_and_no_more(
    server: SlackServer, world: Breaking
) -> None:
    world.kill_at = 2  # the first call of the store is the look at the thread
    with pytest.raises(KilledError):
        bot(server, world).send(MESSAGE)
    world.kill_at, world.dead = 0, False
    for message in (MESSAGE, MESSAGE, ACKNOWLEDGED, RESOLVED):
        assert bot(server, world).send(message) == DELIVERED
    lost, card = server.room.values()
    assert (lost["text"][0], card["text"]) == ("🔴", "🟢 resolved: it is over")
    assert [len(replies) for replies in server.replies.values()] == [2]


def test_a_store_that_fails_after_slack_took_the_card_does_not_repeat_it(
    server: SlackServer, world: Breaking, caplog: pytest.LogCaptureFixture
) -> None:
    world.chance = lambda: 0.0 if world.boundaries > 1 else 1.0
    assert bot(server, world).send(MESSAGE) == DELIVERED
    assert "thread not kept" in caplog.text
    assert len(server.room) == 1


def test_a_store_that_does_not_answer_is_asked_again_before_anything_is_posted(
    server: SlackServer, world: Breaking
) -> None:
    world.chance = lambda: 0.0
    with pytest.raises(UnavailableError):
        bot(server, world).send(MESSAGE)
    assert server.log.requests == 0


def test_a_reply_that_fails_is_sent_again_under_the_same_card(server: SlackServer, world: Breaking) -> None:
    bot(server, world).send(MESSAGE)
    server.scripted.extend([Reply(200, b'{"ok":true}'), Reply(500)])
    with pytest.raises(UnavailableError, match="answered 500"):
        bot(server, world).send(ACKNOWLEDGED)
    assert bot(server, world).send(ACKNOWLEDGED) == DELIVERED
    assert [len(replies) for replies in server.replies.values()] == [1]


@pytest.mark.parametrize("place", [0, 1])
def test_a_limit_is_named_wherever_it_comes(server: SlackServer, world: Breaking, place: int) -> None:
    bot(server, world).send(MESSAGE)
    server.scripted.extend([Reply(200, b'{"ok":true}')] * place + [Reply(429, b"", {"Retry-After": "7"})])
    with pytest.raises(LimitedError) as caught:
        bot(server, world).send(ACKNOWLEDGED)
    assert caught.value.until == NOW + timedelta(seconds=7)


def test_a_card_that_somebody_deleted_is_posted_anew(server: SlackServer, world: Breaking) -> None:
    bot(server, world).send(MESSAGE)
    server.room.clear()
    for message in (ACKNOWLEDGED, RESOLVED):
        assert bot(server, world).send(message) == DELIVERED
    ((ts, card),) = server.room.items()
    assert card["text"] == "🟢 resolved: it is over"
    assert [reply["text"] for reply in server.replies[ts]] == ["🟢 resolved: it is over"]


def test_a_card_that_may_no_longer_be_changed_gets_replies_all_the_same(server: SlackServer, world: Breaking) -> None:
    bot(server, world).send(MESSAGE)
    server.scripted.append(Reply(200, b'{"ok":false,"error":"edit_window_closed"}'))
    assert bot(server, world).send(ACKNOWLEDGED) == DELIVERED
    assert [len(replies) for replies in server.replies.values()] == [1]


@pytest.mark.parametrize("code", ["channel_not_found", "invalid_auth", "not_in_channel", "is_archived"])
@pytest.mark.parametrize("place", [0, 1])
def test_a_refusal_is_final_wherever_it_comes(server: SlackServer, world: Breaking, code: str, place: int) -> None:
    bot(server, world).send(MESSAGE)
    refused = Reply(200, f'{{"ok":false,"error":"{code}"}}'.encode())
    server.scripted.extend([Reply(200, b'{"ok":true}')] * place + [refused])
    assert bot(server, world).send(ACKNOWLEDGED) == Receipt(DeliveryOutcome.REFUSED, code)


def test_a_thread_is_forgotten_in_the_end(server: SlackServer, world: Breaking) -> None:
    bot(server, world).send(MESSAGE)
    (document,) = (document for (name, _), document in world.documents.items() if name == COLLECTION)
    assert document.data["expires_at"] == NOW + KEEP


@pytest.mark.parametrize(
    ("change", "verbs"),
    [
        (Change.OPENED, ["acknowledge", "mitigate", "resolve", "cancel"]),
        (Change.ESCALATED, ["acknowledge", "mitigate", "resolve", "cancel"]),
        (Change.ACKNOWLEDGED, ["mitigate", "resolve", "cancel", "take_over", "give_back"]),
        (Change.MITIGATED, ["resolve", "cancel"]),
        (Change.RESOLVED, ["reopen"]),
    ],
)
def test_where_slack_may_answer_the_card_has_the_verbs_that_the_change_leaves(
    server: SlackServer, world: Breaking, change: Change, verbs: list[str]
) -> None:
    bot(server, world, answers=True).send(replace(MESSAGE, change=change))
    ((card,),) = [server.room.values()]
    buttons = card["blocks"][-1]["elements"]
    assert [button["action_id"] for button in buttons] == [*verbs, "incident", "runbook"]
    assert [button["value"] for button in buttons if "value" in button] == [MESSAGE.incident_id] * len(verbs)
    assert [button["action_id"] for button in buttons if "confirm" in button] == [
        verb for verb in verbs if verb in ("resolve", "cancel")
    ]
    assert buttons[-2]["text"]["text"] == "See the incident"
    assert server.log.faults == []


@pytest.mark.parametrize("incident_id", ["", " ", "é", "x" * 3000, "a\nb"])
def test_an_incident_that_no_button_can_name_has_links(server: SlackServer, world: Breaking, incident_id: str) -> None:
    bot(server, world, answers=True).send(replace(MESSAGE, incident_id=incident_id))
    ((card,),) = [server.room.values()]
    assert [button["action_id"] for button in card["blocks"][-1]["elements"]] == ["incident", "runbook"]
    assert server.log.faults == []
