"""Microsoft Teams against a server that enforces the schema of cards, their size and the pace."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from core.errors import LimitedError, UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Fact
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.notify.teams import LARGEST, WEBHOOK, body, escaped, size
from functions.adapters.notify.text import fit
from functions.adapters.notify.webhook_room import WebhookRoom
from tests.support.builders.letters import MESSAGE, NOW, TEXTS
from tests.support.checks.quiet import quiet
from tests.support.servers.receivers import Reply
from tests.support.servers.targets import serving
from tests.support.servers.teams import INVOKE, SIGNATURE, TeamsServer

SECONDS = 10.0
PAYLOADS = Path(__file__).parents[1] / "payloads"


@pytest.fixture
def server() -> Iterator[TeamsServer]:
    made = TeamsServer()
    with serving(made):
        yield made


@pytest.fixture
def teams(server: TeamsServer) -> WebhookRoom:
    return channel(server, SIGNATURE)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, SIGNATURE):
        yield


def channel(server: TeamsServer, signature: str) -> WebhookRoom:
    return WebhookRoom("flow", f"{server.address}{INVOKE}{signature}", lambda: NOW, SECONDS, WEBHOOK)


def card(**changes: Any) -> dict[str, Any]:
    content: dict[str, Any] = body(replace(MESSAGE, **changes))["attachments"][0]["content"]
    return content


def texts(elements: list[dict[str, Any]]) -> list[str]:
    return [inline["text"] for element in elements for inline in element.get("inlines", [])]


def test_a_message_is_the_card_that_is_written_down(teams: WebhookRoom, server: TeamsServer) -> None:
    assert teams.send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    (call,) = server.log.calls
    assert call.body == json.loads((PAYLOADS / "teams_adaptive_card.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("severity", "change", "style", "headline"),
    [
        (Severity.INFO, Change.OPENED, "accent", "🔵 info: "),
        (Severity.WARNING, Change.OPENED, "warning", "🟡 warning: "),
        (Severity.ERROR, Change.REOPENED, "attention", "🟠 error: "),
        (Severity.CRITICAL, Change.ESCALATED, "attention", "🔴 critical: "),
        (Severity.CRITICAL, Change.ACKNOWLEDGED, "emphasis", "🔴 acknowledged: "),
        (Severity.CRITICAL, Change.RESOLVED, "good", "🟢 resolved: "),
    ],
)
def test_how_bad_it_is_and_whether_somebody_takes_care_is_seen_and_read(
    severity: Severity, change: Change, style: str, headline: str
) -> None:
    container = card(severity=severity, change=change)["body"][0]
    assert container["style"] == style
    assert texts(container["items"]) == [f"{headline}{MESSAGE.title}"]


def test_what_is_over_asks_nobody_to_acknowledge() -> None:
    over = card(change=Change.RESOLVED, missed=True)
    assert [action["title"] for action in over["actions"]] == ["See the incident", "Runbook"]
    assert not [action for action in over["actions"] if "style" in action]
    assert "earlier messages about it were not sent here" in texts(over["body"])[-1]


def test_without_addresses_there_are_no_buttons_and_the_runbook_is_named() -> None:
    bare = card(url="/#incident=x", runbook="docs/runbooks/models.md#drift")
    assert bare["actions"] == []
    assert "runbook docs/runbooks/models.md#drift" in texts(bare["body"])[-1]


def test_without_facts_every_line_of_the_text_is_one() -> None:
    elements = card(facts=())["body"]
    assert texts(elements)[:-1] == MESSAGE.text.splitlines()
    assert [element["type"] for element in elements] == ["Container", *["RichTextBlock"] * 3]


def test_what_the_first_line_says_is_no_fact_as_well() -> None:
    first = Fact(name="What", text=MESSAGE.text.splitlines()[0])
    assert card(facts=(first, *MESSAGE.facts)) == card()


def test_facts_that_have_no_room_are_said_to_be_on_the_page() -> None:
    facts = tuple(Fact(name=f"Fact {number}", text='"' * 600) for number in range(25))
    made = body(replace(MESSAGE, facts=facts))
    elements = made["attachments"][0]["content"]["body"]
    (shown,) = [element["facts"] for element in elements if element["type"] == "FactSet"]
    assert 5 < len(shown) < 20
    assert size(made) <= LARGEST
    assert "More on the page of the incident." in texts(elements)


@given(TEXTS | st.text(alphabet="\\`*_[]()<>&~#+-.!|1:/ =\"'ax", max_size=40))
def test_a_fact_is_nothing_but_its_text_whatever_markdown_it_looks_like(text: str) -> None:
    line = fit(text, 600)
    shown = MarkdownIt("commonmark").enable("strikethrough").render(escaped(line))
    assert unescape(shown) == (f"<p>{line}</p>\n" if line else "")


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"error": {"code": "WorkflowTriggerIsNotEnabled", "message": SIGNATURE}}, ": WorkflowTriggerIsNotEnabled"),
        ({"error": {"code": f"bad {SIGNATURE}"}}, ""),
        ({"error": {"code": 7}}, ""),
        ({"error": SIGNATURE}, ""),
        ([], ""),
    ],
)
def test_a_refusal_is_repeated_only_where_it_is_a_code(
    teams: WebhookRoom, server: TeamsServer, said: object, detail: str
) -> None:
    server.scripted.append(Reply(400, json.dumps(said).encode()))
    assert teams.send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, f"HTTP 400{detail}")


def test_the_server_itself_refuses_a_signature_that_is_wrong(server: TeamsServer) -> None:
    receipt = channel(server, "another").send(MESSAGE)
    assert receipt == Receipt(DeliveryOutcome.REFUSED, "HTTP 401: DirectApiInvalidAuthorizationScheme")


@pytest.mark.parametrize("said", [b"", b"1", b'{"status":"posted"}'])
def test_a_workflow_may_answer_by_itself(teams: WebhookRoom, server: TeamsServer, said: bytes) -> None:
    server.scripted.append(Reply(200, said))
    assert teams.send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)


@pytest.mark.parametrize("reply", [Reply(200, b" \n<!doctype html>"), Reply(201), Reply(204)])
def test_another_success_is_none_of_a_workflow(teams: WebhookRoom, server: TeamsServer, reply: Reply) -> None:
    server.scripted.append(reply)
    with pytest.raises(UnavailableError, match=f"channel flow: answered {reply.status}, must be 202"):
        teams.send(MESSAGE)


def test_a_fifth_message_within_the_second_is_told_to_wait(teams: WebhookRoom) -> None:
    for _ in range(4):
        assert teams.send(MESSAGE).outcome is DeliveryOutcome.DELIVERED
    with pytest.raises(LimitedError, match="channel flow: answered 429") as caught:
        teams.send(MESSAGE)
    assert caught.value.until == NOW + timedelta(seconds=1)
