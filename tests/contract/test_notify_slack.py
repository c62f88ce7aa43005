"""Slack against a server that enforces Block Kit, the Web API and the pace."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.errors import LimitedError, UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Fact
from core.settings.channels import SlackChannel
from functions.adapters.notify.channel import Channel, Context, DeliveryOutcome, Receipt
from functions.adapters.notify.slack import WEBHOOK
from functions.adapters.notify.slack_blocks import blocks, body
from functions.adapters.notify.slack_bot import SlackBot
from functions.adapters.notify.webhook_room import WebhookRoom
from tests.support.builders.letters import MESSAGE, NOW
from tests.support.checks.quiet import quiet, said
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.servers.receivers import Reply
from tests.support.servers.slack import ROOM, TOKEN, SlackServer
from tests.support.servers.targets import serving

SECONDS = 2.0


@pytest.fixture
def server() -> Iterator[SlackServer]:
    made = SlackServer()
    with serving(made):
        yield made


@pytest.fixture
def hook(server: SlackServer) -> WebhookRoom:
    return WebhookRoom("team", server.url, lambda: NOW, SECONDS, WEBHOOK)


def bot(server: SlackServer, token: str = TOKEN, room: str = ROOM) -> SlackBot:
    context = Context(clock=lambda: NOW, seconds=SECONDS, store=MemoryStore(Breaking()))
    return SlackBot(SlackChannel(name="team", token=token, room=room, api=server.api), context)


@pytest.fixture(params=["hook", "bot"])
def slack(request: pytest.FixtureRequest, server: SlackServer, hook: WebhookRoom) -> Channel:
    return hook if request.param == "hook" else bot(server)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, TOKEN, "S3CR3T"):
        yield


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def test_a_message_is_a_header_the_facts_their_place_and_buttons(slack: Channel, server: SlackServer) -> None:
    assert slack.send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    (call,) = server.log.calls
    assert call.body == {
        "text": "🔴 critical: departure_delay drifted ✈",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {"type": "header", "text": plain("🔴 critical: departure_delay drifted ✈")},
            {"type": "section", "text": plain("New: model/m is critical.")},
            {"type": "section", "fields": [plain("Impact\n$1,200 an hour")]},
            {"type": "section", "text": plain(f"Evidence\n{MESSAGE.facts[1].text.strip()}")},
            {
                "type": "context",
                "elements": [plain(f"opened · drift · model/m · 2026-01-02 09:00 UTC · {MESSAGE.incident_id}")],
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "action_id": "incident",
                        "text": plain("Acknowledge"),
                        "url": MESSAGE.url,
                        "style": "primary",
                    },
                    {"type": "button", "action_id": "runbook", "text": plain("Runbook"), "url": MESSAGE.runbook},
                ],
            },
        ],
    }


def test_what_is_over_asks_nobody_to_acknowledge(hook: WebhookRoom, server: SlackServer) -> None:
    hook.send(replace(MESSAGE, change=Change.RESOLVED, missed=True))
    (call,) = server.log.calls
    assert call.body["text"].startswith("🟢 resolved: ")
    button = call.body["blocks"][-1]["elements"][0]
    assert button["text"]["text"] == "See the incident"
    assert "style" not in button
    assert "earlier messages about it were not sent here" in call.body["blocks"][-2]["elements"][0]["text"]


@pytest.mark.parametrize(("severity", "sign"), list(zip(Severity, "🔵🟡🟠🔴", strict=True)))
def test_a_severity_is_seen_and_read(severity: Severity, sign: str) -> None:
    text = body(replace(MESSAGE, severity=severity))["text"]
    assert text.startswith(f"{sign} {severity.value}: ")


def test_what_the_first_line_says_is_no_fact_as_well() -> None:
    first = Fact(name="What", text=MESSAGE.text.splitlines()[0])
    assert blocks(replace(MESSAGE, facts=(first, *MESSAGE.facts))) == blocks(MESSAGE)


def test_without_facts_the_whole_text_is_told() -> None:
    assert blocks(replace(MESSAGE, facts=()))[1] == {"type": "section", "text": plain(MESSAGE.text)}


def test_without_addresses_there_are_no_buttons_and_the_runbook_is_named(
    hook: WebhookRoom, server: SlackServer
) -> None:
    hook.send(replace(MESSAGE, url="/#incident=x", runbook="docs/runbooks/models.md#drift"))
    (call,) = server.log.calls
    assert call.body["blocks"][-1]["type"] == "context"
    assert "runbook docs/runbooks/models.md#drift" in call.body["blocks"][-1]["elements"][0]["text"]


def test_short_facts_stand_side_by_side_ten_to_a_section() -> None:
    facts = tuple(Fact(name=f"Fact {number}", text="x") for number in range(12))
    sizes = [len(block["fields"]) for block in blocks(replace(MESSAGE, facts=facts)) if "fields" in block]
    assert sizes == [10, 2]


def test_facts_that_have_no_room_are_said_to_be_on_the_page() -> None:
    facts = tuple(Fact(name=f"Fact {number}", text="x" * 500) for number in range(12))
    shown = [block["elements"][0]["text"] for block in blocks(replace(MESSAGE, facts=facts)) if "elements" in block]
    assert "More on the page of the incident." in shown


@pytest.mark.parametrize(
    "nasty", ["<!channel>", "<@U1>", "<https://evil.example|here>", "`*_~", "&lt;!here&gt;", "@here"]
)
def test_foreign_text_is_nothing_but_text(slack: Channel, server: SlackServer, nasty: str) -> None:
    slack.send(replace(MESSAGE, title=nasty, text=nasty, target=nasty, facts=(Fact(name=nasty, text=nasty),)))
    (call,) = server.log.calls
    assert server.log.faults == []
    assert "<" not in call.body["text"]
    assert call.body["blocks"][0]["text"] == plain(f"🔴 critical: {nasty}")


def test_a_second_message_within_the_second_is_told_to_wait(slack: Channel) -> None:
    slack.send(MESSAGE)
    with pytest.raises(LimitedError, match="channel team: answered 429") as caught:
        slack.send(replace(MESSAGE, key="2"))
    assert caught.value.until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("status", "code"), [(400, "invalid_payload"), (403, "action_prohibited"), (404, "no_service")]
)
def test_a_webhook_that_refuses_says_why(hook: WebhookRoom, server: SlackServer, status: int, code: str) -> None:
    server.scripted.append(Reply(status, code.encode()))
    assert hook.send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, f"HTTP {status}: {code}")


@pytest.mark.parametrize("text", [b"", b"<html>S3CR3T</html>", b"No such thing as S3CR3T", b"\xff"])
def test_a_refusal_is_repeated_only_where_it_is_a_code(hook: WebhookRoom, server: SlackServer, text: bytes) -> None:
    server.scripted.append(Reply(410, text))
    assert hook.send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "HTTP 410")


@pytest.mark.parametrize("text", [b"", b"<html>welcome</html>", b'{"ok":"yes"}', b"[" * 10_000, b"\xff", b"okay"])
def test_an_answer_that_is_not_slacks_is_none(slack: Channel, server: SlackServer, text: bytes) -> None:
    server.scripted.append(Reply(200, text))
    with pytest.raises(UnavailableError, match="answered 200 without 'ok'"):
        slack.send(MESSAGE)


@pytest.mark.parametrize(
    "code", ["invalid_auth", "channel_not_found", "is_archived", "not_in_channel", "invalid_blocks"]
)
def test_a_bot_that_is_refused_is_refused_although_the_status_is_200(server: SlackServer, code: str) -> None:
    server.scripted.append(Reply(200, json.dumps({"ok": False, "error": code}).encode()))
    assert bot(server).send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, code)


def test_the_server_itself_refuses_a_wrong_token_and_a_wrong_room(server: SlackServer) -> None:
    assert bot(server, token="xoxb-another").send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "invalid_auth")
    assert bot(server, room="C0").send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "channel_not_found")


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
def test_a_fault_of_slacks_own_passes(server: SlackServer, code: str) -> None:
    server.scripted.append(Reply(200, json.dumps({"ok": False, "error": code}).encode()))
    with pytest.raises(UnavailableError, match=f"channel team: answered {code}"):
        bot(server).send(MESSAGE)


@pytest.mark.parametrize(("headers", "seconds"), [({}, 30), ({"Retry-After": "7"}, 7)])
def test_a_limit_may_come_with_status_200(server: SlackServer, headers: dict[str, str], seconds: int) -> None:
    server.scripted.append(Reply(200, b'{"ok":false,"error":"ratelimited"}', headers))
    with pytest.raises(LimitedError) as caught:
        bot(server).send(MESSAGE)
    assert caught.value.until == NOW + timedelta(seconds=seconds)


def test_an_error_that_is_no_code_is_not_repeated(server: SlackServer) -> None:
    server.scripted.append(Reply(200, json.dumps({"ok": False, "error": f"bad token {TOKEN}"}).encode()))
    assert bot(server).send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "an error without a name")


@pytest.mark.parametrize("token", ["S3CR3T\r\nX-Evil: 1", "S3CR3T✈"])
def test_a_token_that_is_no_header_is_not_shown(server: SlackServer, token: str) -> None:
    channel = bot(server, token=token)
    with pytest.raises(UnavailableError, match="channel team: no answer") as caught:
        channel.send(MESSAGE)
    assert "S3CR3T" not in said(caught.value) + repr(channel)
    assert server.log.requests == 0


@pytest.mark.parametrize("url", ["http://[S3CR3T", "S3CR3T", "http://127.0.0.1:1/S3CR3T"])
def test_no_error_shows_the_address(url: str) -> None:
    channel = WebhookRoom("team", url, lambda: NOW, SECONDS, WEBHOOK)
    with pytest.raises(UnavailableError) as caught:
        channel.send(MESSAGE)
    assert "S3CR3T" not in said(caught.value) + repr(channel)
