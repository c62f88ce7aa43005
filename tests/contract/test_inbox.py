"""The inbox: over HTTP, and in a browser."""

import http.client
import json
import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import urllib3
from playwright.sync_api import sync_playwright

from core.incidents.messages import Message as Told
from core.settings.channels import WebhookChannel
from functions.adapters.notify.channel import DeliveryOutcome
from functions.adapters.notify.webhook import Webhook
from infra.local.inbox.server import LONGEST_BODY, SHOWN, Inbox
from tests.support.web.browser import chromium

MESSAGE = {
    "key": "flight-delay-20260102-1a2b3c4d:1:inbox",
    "incident_id": "flight-delay-20260102-1a2b3c4d",
    "change": "opened",
    "severity": "critical",
    "title": "departure_delay drifted",
    "text": "New: model/flight-delay is critical.\nWhat to do: docs/runbooks/models.md#drift",
    "url": "http://127.0.0.1/#incident=flight-delay-20260102-1a2b3c4d",
    "at": "2026-01-02T09:00:00Z",
}
TECHNICAL: dict[str, Any] = {
    "category": "model_quality",
    "target": "model/flight-delay",
    "facts": [{"name": "What", "text": "New"}, {"name": "Impact", "text": "$1,200 an hour at risk"}],
    "runbook": "https://runbooks.example.com/models#drift",
    "missed": True,
}
HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\"'&{main}"


class Box:
    def __init__(self, inbox: Inbox) -> None:
        self.url = f"http://127.0.0.1:{inbox.server_address[1]}"
        self.pool = urllib3.PoolManager(maxsize=40)

    def post(self, body: object, path: str = "/") -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self.pool.request("POST", self.url + path, body=data, retries=False)
        return answer.status, answer.json()

    def get(self, path: str = "/", **headers: str) -> urllib3.BaseHTTPResponse:
        return self.pool.request("GET", self.url + path, headers=headers, retries=False)

    def ask(self, method: str, **headers: str) -> int:
        """The status of a request that a browser sends for a page."""
        body = json.dumps(message()) if method == "POST" else None
        told = {name.replace("_", "-"): value for name, value in headers.items()} | {"Content-Type": "text/plain"}
        return self.pool.request(method, self.url, body=body, headers=told, retries=False).status

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/messages.json").json()
        return found


def serve(path: Path) -> Iterator[Box]:
    with Inbox(0, path) as inbox:
        thread = threading.Thread(target=inbox.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        box = Box(inbox)
        yield box
        box.pool.clear()
        inbox.shutdown()
        thread.join()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    yield from serve(tmp_path / "sub" / "inbox.sqlite")


def message(number: int = 1, **fields: object) -> dict[str, object]:
    return MESSAGE | {"key": f"i:{number}:inbox"} | fields


def test_a_message_is_kept_once_however_often_it_is_delivered(box: Box) -> None:
    assert [box.post(message())[0] for _ in range(3)] == [201, 200, 200]
    (kept,) = box.messages()
    assert kept["deliveries"] == 3
    assert kept["received_at"]
    assert {name: kept[name] for name in MESSAGE} == message()


def test_what_the_channel_sends_is_kept_in_full(box: Box) -> None:
    sent = msgspec.convert(MESSAGE | TECHNICAL | {"channel": "technical"}, Told)
    channel = Webhook(
        WebhookChannel(name="technical", url=f"{box.url}/?channel=technical"), lambda: datetime.now(UTC), 10.0
    )
    assert channel.send(sent).outcome is DeliveryOutcome.DELIVERED
    [kept] = box.messages()
    assert kept.items() >= (MESSAGE | TECHNICAL | {"channel": "technical"}).items()


def test_the_address_says_which_channel_a_message_was_sent_through(box: Box) -> None:
    box.post(message(1), "/?channel=on%20call&more=1")
    box.post(message(2))
    assert [kept["channel"] for kept in box.messages()] == ["", "on call"]


def test_messages_kept_before_they_had_channels_are_still_shown(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    for box in serve(path):
        box.post(message())
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE messages SET body = ?", (json.dumps(message()).encode(),))
    for box in serve(path):
        assert [(kept["channel"], kept["facts"]) for kept in box.messages()] == [("", [])]
        assert MESSAGE["title"] in box.get().data.decode()


def test_a_repeated_key_does_not_change_what_was_received_first(box: Box) -> None:
    box.post(message(title="first"))
    box.post(message(title="second"))
    assert [kept["title"] for kept in box.messages()] == ["first"]


def test_the_newest_message_comes_first(box: Box) -> None:
    for number in range(3):
        box.post(message(number))
    assert [kept["key"] for kept in box.messages()] == ["i:2:inbox", "i:1:inbox", "i:0:inbox"]


def test_messages_received_at_the_same_time_are_all_kept(box: Box) -> None:
    threads = [threading.Thread(target=box.post, args=(message(number % 10),)) for number in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = box.messages()
    assert len(kept) == 10
    assert sum(one["deliveries"] for one in kept) == 30


def test_messages_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "inbox.sqlite"
    for box in serve(path):
        box.post(message())
    for box in serve(path):
        assert len(box.messages()) == 1
        assert box.post(message())[0] == 200


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "Expected `object`"),
        (b'{"more": ' + b"[" * 100_000, "nested too deeply"),
        (message(change="exploded"), "$.change"),
        (message(severity=None), "$.severity"),
        (message(at="yesterday"), "$.at"),
        (message(at="0001-01-01T00:00:00+14:00"), "at: must be a year 1971 to 9998"),
        (message(at="9999-12-31T23:59:59-14:00"), "at: must be a year 1971 to 9998"),
        (b'{"key": "a", "key": "b"}', "key 'key' must be given once"),
        (message(facts=[{"name": "Impact"}]), "$.facts[0]"),
        (MESSAGE | {"key": ""}, "key: must not be empty"),
        ({name: MESSAGE[name] for name in MESSAGE if name != "title"}, "title"),
    ],
)
def test_a_body_that_is_no_message_is_refused_with_the_reason(box: Box, body: object, says: str) -> None:
    status, answer = box.post(body)
    assert status == 400
    assert says in answer["error"]
    assert box.messages() == []


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Host": "evil.example"}, 421),
        ("GET", {"Host": "evil.example:8025"}, 421),
        ("POST", {"Origin": "https://evil.example"}, 403),
        ("POST", {"Sec_Fetch_Site": "cross-site"}, 403),
        ("POST", {"Sec_Fetch_Site": "same-site"}, 403),
        ("GET", {"Sec_Fetch_Site": "cross-site"}, 200),
        ("POST", {"Host": "localhost"}, 201),
    ],
)
def test_pages_of_other_sites_can_neither_read_nor_post(
    box: Box, method: str, headers: dict[str, str], status: int
) -> None:
    assert box.ask(method, **headers) == status
    assert len(box.messages()) == (status == 201)


ALERTS = "/api/v2/alerts"


def alert(name: str = "IncidentRouterSilent", *, began: int = 0, ended: bool = False, **labels: str) -> dict[str, Any]:
    """An alert as Prometheus posts it; when it began is in minutes."""
    at = datetime(2026, 1, 2, 9, began, tzinfo=UTC)
    ends = at + timedelta(minutes=5) if ended else datetime.now(UTC) + timedelta(minutes=4)
    return {
        "labels": {"alertname": name, "severity": "critical", "function": "incident_router", "path": "direct"} | labels,
        "annotations": {
            "summary": "it is silent",
            "description": "Nobody hears.",
            "runbook_url": "docs/r.md#heartbeat",
        },
        "startsAt": at.isoformat().replace("+00:00", "Z"),
        "endsAt": ends.isoformat(),
        "generatorURL": "http://127.0.0.1:9090/graph?g0.expr=x",
    }


def test_a_direct_alert_is_one_message_however_often_it_is_posted(box: Box) -> None:
    assert [box.post([alert()], ALERTS) for _ in range(3)] == [(200, {})] * 3
    [kept] = box.messages()
    assert (kept["incident_id"], kept["change"], kept["channel"]) == ("IncidentRouterSilent", "opened", "direct")
    assert (kept["title"], kept["severity"], kept["target"]) == ("it is silent", "critical", "incident_router")
    assert kept["text"].splitlines() == ["Nobody hears.", "What to do: docs/r.md#heartbeat"]
    assert kept["at"] == "2026-01-02T09:00:00Z"
    assert ">Show in Prometheus</a>" in box.get().data.decode()


@pytest.mark.parametrize(("name", "status"), [("startsAt", 400), ("endsAt", 200)])
def test_the_year_one_of_a_direct_alert_is_no_start_and_no_end(box: Box, name: str, status: int) -> None:
    assert box.post([alert() | {name: "0001-01-01T00:00:00+14:00"}], ALERTS)[0] == status
    assert [kept["change"] for kept in box.messages()] == ["opened"] * (status == 200)
    assert box.get().status == 200


def test_the_end_of_a_direct_alert_is_a_message_and_so_is_the_next_one(box: Box) -> None:
    for posted in (alert(), alert(ended=True), alert(ended=True), alert(began=30)):
        box.post([posted], ALERTS)
    told = [(kept["change"], kept["at"]) for kept in reversed(box.messages())]
    assert told == [
        ("opened", "2026-01-02T09:00:00Z"),
        ("resolved", "2026-01-02T09:05:00Z"),
        ("opened", "2026-01-02T09:30:00Z"),
    ]


def test_alerts_of_one_rule_with_other_labels_are_told_apart(box: Box) -> None:
    box.post([alert(subscription_id="incident-router"), alert(subscription_id="incident-router-commands")], ALERTS)
    assert len(box.messages()) == 2


def test_alerts_about_anything_but_the_way_to_people_are_taken_and_not_kept(box: Box) -> None:
    others = [alert("ProbeDown", path=""), alert("HealthCheckSilent", path="around")]
    assert box.post(others, ALERTS) == (200, {})
    assert box.messages() == []
    box.post([*others, alert("NotifyFailures")], ALERTS)
    assert [kept["incident_id"] for kept in box.messages()] == ["NotifyFailures"]


def test_an_alert_that_says_little_is_told_all_the_same(box: Box) -> None:
    little = {"path": "direct", "severity": "page"}
    began = "2026-01-02T09:00:00Z"
    box.post(
        [{"labels": little, "startsAt": began}, {"labels": little | {"alertname": "A"}, "startsAt": began}], ALERTS
    )
    told = {(kept["title"], kept["severity"], kept["change"]) for kept in box.messages()}
    assert told == {("alert", "critical", "opened"), ("A", "critical", "opened")}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "truncated"),
        (alert(), "Expected `array`"),
        ([alert() | {"startsAt": "yesterday"}], "$[0].startsAt"),
        ([{"startsAt": "2026-01-02T09:00:00Z"}], "labels"),
        (b'[{"labels": ' + b"[" * 100_000, "$[0].labels"),
        (b'[{"more": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_list_of_alerts_is_refused_with_the_reason(box: Box, body: object, says: str) -> None:
    status, answer = box.post(body, ALERTS)
    assert status == 400
    assert says in answer["error"]
    assert box.messages() == []


def test_other_paths_and_too_long_bodies_are_refused(box: Box) -> None:
    assert box.post(message(), "/elsewhere")[0] == 404
    assert box.get("/../messages.py").status == 404
    connection = http.client.HTTPConnection(box.url.removeprefix("http://"))
    for length, status in ((str(LONGEST_BODY + 1), 413), ("x", 411)):
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", length)
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()


def test_the_page_is_sent_again_only_when_it_changed(box: Box) -> None:
    tag = box.get().headers["ETag"]
    assert box.get(**{"If-None-Match": tag}).status == 304
    box.post(message())
    assert box.get(**{"If-None-Match": tag}).status == 200


def test_hostile_text_is_shown_and_never_run(box: Box) -> None:
    owned = {"url": "javascript:document.title='owned'"}
    hostile = dict.fromkeys(("key", "incident_id", "title", "text", "category", "target"), HOSTILE)
    box.post(message() | hostile | owned)
    facts = [{"name": HOSTILE, "text": HOSTILE}]
    box.post(message() | hostile | {"key": "b", "facts": facts} | owned, f"/?channel={quote(HOSTILE)}")
    box.post(message(3, runbook="javascript:document.title='owned'"))
    box.post(message(2, url=f'http://x/"onmouseover="alert(1)?{HOSTILE}'))
    answer = box.get()
    html = answer.data.decode()
    assert "<img" not in html
    assert re.findall(r"<script[^>]*>", html) == ['<script src="/refresh.js" defer>']
    assert "javascript:" not in html
    assert 'onmouseover="' not in html.replace("&quot;", "")
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


def test_a_browser_shows_what_arrives_without_loading_the_page_again(box: Box) -> None:
    box.post(message(1, title=HOSTILE, severity="warning"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
        page.goto(box.url)
        assert page.locator("article.warning h3").inner_text() == HOSTILE
        page.evaluate("window.same = true")
        box.post(message(2, change="resolved", title="all good again"))
        page.locator("article.good").wait_for()
        assert page.locator("h3").all_inner_texts() == ["all good again", HOSTILE]
        assert page.evaluate("window.same") is True
        box.post(message(3, **TECHNICAL), "/?channel=technical")
        newest = page.locator("article").first
        newest.locator(".chip").wait_for()
        assert newest.locator(".chip").inner_text() == "technical"
        assert newest.locator(".about").inner_text() == "model quality · model/flight-delay"
        assert newest.locator("dt").all_inner_texts() == ["What", "Impact"]
        assert newest.locator("dd").all_inner_texts() == ["New", "$1,200 an hour at risk"]
        assert newest.get_by_role("link", name="Show or acknowledge").get_attribute("href") == MESSAGE["url"]
        assert newest.get_by_role("link", name="Runbook").get_attribute("href") == TECHNICAL["runbook"]
        assert newest.locator(".missed").is_visible()
        assert page.title() == "Inbox"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert faults == []
        browser.close()


def test_an_empty_inbox_says_what_will_come(box: Box) -> None:
    assert "No messages yet" in box.get().data.decode()


def test_a_long_list_says_how_much_is_shown(box: Box) -> None:
    for number in range(SHOWN + 5):
        box.post(message(number))
    html = box.get().data.decode()
    assert f"{SHOWN + 5} messages, the newest {SHOWN} shown" in html
    assert html.count("<article") == SHOWN
    assert len(box.messages()) == SHOWN + 5


def test_the_program_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.local.inbox", "--port", "0", "--data", str(tmp_path / "inbox.sqlite")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        url = program.stdout.readline().split()[-1]
        assert urllib3.request("POST", url, body=json.dumps(message()).encode()).status == 201
        program.terminate()
        assert program.wait(timeout=20) == 0
