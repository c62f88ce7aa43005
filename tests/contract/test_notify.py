"""What the webhook and the console do that no other channel does: the signature, the inbox, the lines of the log."""

import base64
import hmac
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.events import Change, Severity
from core.incidents.messages import Message
from core.rate import LONGEST_BLOCK
from core.settings.channels import ConsoleChannel, WebhookChannel
from functions.adapters.logs import JsonFormatter
from functions.adapters.notify.channel import DeliveryOutcome, Receipt, open_channels
from functions.adapters.notify.console import Console
from functions.adapters.notify.http_client import not_before
from functions.adapters.notify.webhook import Webhook, payload, signed
from functions.adapters.sqlite_store import SqliteStore
from infra.local.inbox.server import Inbox
from tests.support.builders.letters import MESSAGE, NOW
from tests.support.checks.quiet import quiet
from tests.support.servers.channels import AnyJson
from tests.support.servers.receivers import Reply
from tests.support.servers.targets import serving

SECRET = "T0PS3CR3T"
SECONDS = 10.0


@pytest.fixture
def receiver() -> Iterator[AnyJson]:
    made = AnyJson()
    with serving(made):
        yield made


def webhook(receiver: AnyJson, **changes: Any) -> Webhook:
    setting = WebhookChannel(name="inbox", url=f"{receiver.address}/hooks/{SECRET}")
    return Webhook(replace(setting, **changes), lambda: NOW, SECONDS)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, SECRET):
        yield


def test_a_message_is_posted_as_json(receiver: AnyJson) -> None:
    assert webhook(receiver).send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    ((headers, body),) = receiver.heard
    assert headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(body) == {
        "key": MESSAGE.key,
        "incident_id": MESSAGE.incident_id,
        "change": "opened",
        "severity": "critical",
        "category": "drift",
        "target": "model/m",
        "title": MESSAGE.title,
        "text": MESSAGE.text,
        "facts": [{"name": fact.name, "text": fact.text} for fact in MESSAGE.facts],
        "url": MESSAGE.url,
        "runbook": MESSAGE.runbook,
        "at": "2026-01-02T09:00:00Z",
        "missed": False,
    }
    assert "x-aia-signature" not in headers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_counts_as_delivered(receiver: AnyJson, status: int) -> None:
    receiver.scripted.append(Reply(status))
    assert webhook(receiver).send(MESSAGE).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ("", None),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("9" * 500, LONGEST_BLOCK),
        ("Fri, 01 Jan 2066 00:00:00 GMT", LONGEST_BLOCK),
        ("Fri, 02 Jan 2026 09:00:05 -0000", timedelta(seconds=5)),
        (" 7 ", timedelta(seconds=7)),
    ],
)
def test_any_retry_after_is_read_or_ignored(given: str, wait: timedelta | None) -> None:
    assert not_before(given, NOW) == (None if wait is None else NOW + wait)


def test_the_credentials_of_an_address_are_sent_as_such(receiver: AnyJson) -> None:
    webhook(receiver, url=receiver.address.replace("//", f"//user:%E2%82%AC{SECRET}@")).send(MESSAGE)
    ((headers, _),) = receiver.heard
    assert base64.b64decode(headers["authorization"].removeprefix("Basic ")).decode() == f"user:€{SECRET}"


def test_a_receiver_that_knows_the_secret_can_tell_that_a_message_is_ours(receiver: AnyJson) -> None:
    webhook(receiver, secret=SECRET).send(MESSAGE)
    ((headers, body),) = receiver.heard
    timestamp = headers["x-aia-timestamp"]
    assert datetime.fromtimestamp(int(timestamp), UTC) == NOW
    digest = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
    assert headers["x-aia-signature"] == f"v1={digest}"
    assert SECRET.encode() not in body


def guide() -> str:
    return (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")


def test_the_guide_verifies_a_signature_and_nothing_else() -> None:
    (sample,) = re.findall(r"```python\n(.*?)```", guide(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(sample, names)
    verify, body, now = names["is_ours"], payload(MESSAGE), int(NOW.timestamp())
    headers = signed(SECRET, body, now)
    assert verify(SECRET, headers, body, now=now + 200)
    assert not verify("another", headers, body, now=now)
    assert not verify(SECRET, headers, body + b" ", now=now)
    assert not verify(SECRET, headers, body, now=now + 301)
    assert not verify(SECRET, headers | {"X-Aia-Timestamp": str(now + 1)}, body, now=now)
    assert not verify(SECRET, headers | {"X-Aia-Timestamp": "soon"}, body, now=now)
    assert not verify(SECRET, {}, body, now=now)


def test_any_number_of_messages_goes_to_the_console(tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "store.db"))
    log = open_channels([ConsoleChannel(name="log")], lambda: NOW, store)["log"]
    assert {log.send(MESSAGE).outcome for _ in range(1000)} == {DeliveryOutcome.DELIVERED}
    store.close()


@pytest.mark.parametrize(
    ("severity", "change", "level"),
    [
        (Severity.INFO, Change.OPENED, "INFO"),
        (Severity.WARNING, Change.OPENED, "WARNING"),
        (Severity.ERROR, Change.REOPENED, "ERROR"),
        (Severity.CRITICAL, Change.ESCALATED, "CRITICAL"),
        (Severity.CRITICAL, Change.RESOLVED, "INFO"),
    ],
)
def test_the_console_writes_one_line_that_people_can_read(
    caplog: pytest.LogCaptureFixture, severity: Severity, change: Change, level: str
) -> None:
    fields: dict[str, Any] = {"severity": severity, "change": change}
    message = Message(**{name: getattr(MESSAGE, name) for name in Message.__slots__} | fields)
    assert Console().send(message).outcome is DeliveryOutcome.DELIVERED
    (record,) = caplog.records
    line = JsonFormatter().format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["severity"] == level
    assert entry["message"] == (
        f"[{change}] {severity}: departure_delay drifted ✈ | New: model/m is critical. | "
        "Observed 0.61: 3.0 times the threshold of 0.2."
    )
    assert (entry["key"], entry["incident_id"]) == (MESSAGE.key, MESSAGE.incident_id)


def test_the_inbox_takes_what_the_webhook_sends_and_knows_it_again(tmp_path: Path) -> None:
    with Inbox(0, tmp_path / "inbox.sqlite") as inbox:
        thread = threading.Thread(target=inbox.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        setting = WebhookChannel(name="inbox", url=f"http://127.0.0.1:{inbox.server_address[1]}/")
        hook = Webhook(setting, lambda: NOW, SECONDS)
        assert [hook.send(MESSAGE).outcome for _ in range(2)] == [DeliveryOutcome.DELIVERED] * 2
        (kept,) = inbox.messages.newest(10)
        inbox.shutdown()
        thread.join()
    assert (kept.key, kept.text, kept.at, kept.deliveries) == (MESSAGE.key, MESSAGE.text, NOW, 2)
