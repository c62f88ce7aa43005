"""The channels: the webhook against a local HTTP server, the console against the log."""

import base64
import hmac
import json
import logging
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from core.errors import LimitedError, UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Message
from core.rate import LONGEST_BLOCK
from core.settings.people import ConsoleChannel, WebhookChannel
from functions.adapters.logs import JsonFormatter
from functions.adapters.notify.channels import open_channels
from functions.adapters.notify.console import Console
from functions.adapters.notify.port import Channel, Outcome, Receipt
from functions.adapters.notify.post import not_before
from functions.adapters.notify.webhook import Webhook, payload, signed
from functions.adapters.sqlite_store import SqliteStore
from infra.local.inbox.server import Inbox
from tests.support.letters import MESSAGE, MESSAGES, NOW

SECRET = "T0PS3CR3T"
PATIENCE = 0.5


class Receiver(ThreadingHTTPServer):
    """Answers each request with the next of its answers; None leaves it without one."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[tuple[int, dict[str, str]] | None] = []
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.closing = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hooks/{SECRET}"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((dict(self.headers), body))
        answer = self.server.answers.pop(0)
        self.close_connection = True
        if answer is None:
            self.server.closing.wait(30)
            return
        status, headers = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class gives it
        pass


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hook(receiver: Receiver, clock: Clock) -> Webhook:
    return Webhook("inbox", receiver.url, clock, PATIENCE)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """However much is logged, the address of the webhook never is."""
    caplog.set_level(logging.DEBUG)
    yield
    # by now `caplog.text` holds what the teardown logged, which is nothing
    logged = [logging.Formatter().format(record) for record in caplog.get_records("call")]
    assert SECRET not in "\n".join(logged)


def test_a_message_is_posted_as_json(hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [(200, {})]
    assert hook.send(MESSAGE) == Receipt(Outcome.DELIVERED)
    ((headers, body),) = receiver.requests
    assert headers["Content-Type"] == "application/json; charset=utf-8"
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
    assert "X-Aia-Signature" not in headers


@pytest.mark.parametrize("status", [201, 202, 204])
def test_every_success_counts_as_delivered(hook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {})]
    assert hook.send(MESSAGE).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 410, 413, 422])
def test_a_refusal_is_final_and_a_redirect_is_not_followed(hook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {"Location": receiver.url})]
    assert hook.send(MESSAGE) == Receipt(Outcome.REFUSED, f"HTTP {status}")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_passing_fault_is_tried_again_later(hook: Webhook, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {}), (200, {})]
    with pytest.raises(UnavailableError, match=f"channel inbox: answered {status}"):
        hook.send(MESSAGE)
    assert hook.send(MESSAGE).outcome is Outcome.DELIVERED
    assert receiver.requests[0][1] == receiver.requests[1][1]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
@pytest.mark.parametrize("given", ["30", "Fri, 02 Jan 2026 09:00:30 GMT"])
def test_a_retry_after_is_handed_on(hook: Webhook, receiver: Receiver, status: int, given: str) -> None:
    receiver.answers = [(status, {"Retry-After": given})]
    with pytest.raises(LimitedError, match=f"channel inbox: answered {status}, until 2026-01-02T09:00:30Z") as caught:
        hook.send(MESSAGE)
    assert caught.value.until == NOW + timedelta(seconds=30)


def test_too_many_requests_make_a_pause_where_the_answer_names_none(hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [(429, {})]
    with pytest.raises(LimitedError) as caught:
        hook.send(MESSAGE)
    assert caught.value.until == NOW + timedelta(seconds=30)


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


def test_no_answer_in_time_is_tried_again_later_and_the_address_stays_secret(hook: Webhook, receiver: Receiver) -> None:
    receiver.answers = [None]
    with pytest.raises(UnavailableError, match="no answer") as caught:
        hook.send(MESSAGE)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("address", ["127.0.0.1:{closed}", "["])
def test_an_address_that_leads_nowhere_is_not_answering(address: str, clock: Clock) -> None:
    with socket.socket() as bound:  # bound and not listening: whoever connects is refused
        bound.bind(("127.0.0.1", 0))
        url = f"http://{address.format(closed=bound.getsockname()[1])}/{SECRET}"
        with pytest.raises(UnavailableError) as caught:
            Webhook("inbox", url, clock, PATIENCE).send(MESSAGE)
    assert SECRET not in str(caught.value)


@contextmanager
def answering(*parts: bytes) -> Iterator[str]:
    """The address of a server that answers one request with these bytes, a short while between them."""
    stop = threading.Event()

    def answer() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
                if stop.wait(0.1):
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/hooks/{SECRET}"
        stop.set()
        thread.join()


def test_an_answer_that_drips_is_no_answer_in_the_end(clock: Clock) -> None:
    drops = (b"HTTP/1.1 200 OK\r\n", *[b"X-More: yes\r\n"] * 90, b"\r\n")
    with answering(*drops) as url, pytest.raises(UnavailableError, match=r"no answer \(TimeoutError\)"):
        Webhook("inbox", url, clock, PATIENCE).send(MESSAGE)


def test_an_answer_with_odd_headers_counts_and_the_address_stays_secret(clock: Clock) -> None:
    with answering(b"HTTP/1.1 200 OK\r\nno colon in here\r\nX: y\r\n\r\n") as url:
        assert Webhook("inbox", url, clock, PATIENCE).send(MESSAGE).outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    "nonsense", [b"\0\1\2\r\n\r\n", b"HTTP/1.1 okay\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n", b""]
)
def test_what_is_no_answer_is_tried_again_later(clock: Clock, nonsense: bytes) -> None:
    with answering(nonsense) as url, pytest.raises(UnavailableError, match="channel inbox: no answer"):
        Webhook("inbox", url, clock, PATIENCE).send(MESSAGE)


def test_the_credentials_of_an_address_are_sent_as_such(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [(200, {})]
    Webhook("inbox", receiver.url.replace("//", f"//user:%E2%82%AC{SECRET}@"), clock, PATIENCE).send(MESSAGE)
    ((headers, _),) = receiver.requests
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")).decode() == f"user:€{SECRET}"


def test_a_receiver_that_knows_the_secret_can_tell_that_a_message_is_ours(receiver: Receiver, clock: Clock) -> None:
    receiver.answers = [(200, {})]
    Webhook("inbox", receiver.url, clock, PATIENCE, secret=SECRET).send(MESSAGE)
    ((headers, body),) = receiver.requests
    timestamp = headers["X-Aia-Timestamp"]
    assert datetime.fromtimestamp(int(timestamp), UTC) == NOW
    digest = hmac.new(SECRET.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()
    assert headers["X-Aia-Signature"] == f"v1={digest}"
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


@given(MESSAGES)
def test_any_message_makes_a_body_that_a_receiver_can_read(message: Message) -> None:
    fields = json.loads(payload(message).decode())
    assert (fields["change"], len(fields["facts"])) == (message.change, len(message.facts))


def test_the_settings_become_channels(clock: Clock, receiver: Receiver, tmp_path: Path) -> None:
    settings = (ConsoleChannel(name="log"), WebhookChannel(name="inbox", url=receiver.url))
    channels: dict[str, Channel] = open_channels(settings, clock, SqliteStore(str(tmp_path / "store.db")))
    assert list(channels) == ["log", "inbox"]
    receiver.answers = [(200, {})]
    for channel in channels.values():
        assert channel.send(MESSAGE).outcome is Outcome.DELIVERED


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
    assert Console().send(message).outcome is Outcome.DELIVERED
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


def test_the_inbox_takes_what_the_webhook_sends_and_knows_it_again(tmp_path: Path, clock: Clock) -> None:
    with Inbox(0, tmp_path / "inbox.sqlite") as inbox:
        thread = threading.Thread(target=inbox.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        hook = Webhook("inbox", f"http://127.0.0.1:{inbox.server_address[1]}/", clock, PATIENCE)
        assert [hook.send(MESSAGE).outcome for _ in range(2)] == [Outcome.DELIVERED] * 2
        (kept,) = inbox.messages.newest(10)
        inbox.shutdown()
        thread.join()
    assert (kept.key, kept.text, kept.at, kept.deliveries) == (MESSAGE.key, MESSAGE.text, NOW, 2)
