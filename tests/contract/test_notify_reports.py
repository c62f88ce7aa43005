"""Reports over the wire: every channel that takes them, against the local server of its receiver."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage

import pytest

from core.errors import UnavailableError
from core.reports.message import ReportMessage
from functions.adapters.notify.channel import (
    COLLECTION,
    Channel,
    DeliveryOutcome,
    PlainTextRetry,
    ReportChannel,
    open_channels,
    send_report,
)
from functions.adapters.sqlite_store import SqliteStore
from tests.support.builders.letters import NOW
from tests.support.builders.reports import MADE_AT, report
from tests.support.checks.quiet import quiet
from tests.support.servers.channels import CASES, SECRETS, Case, HttpServer, Server
from tests.support.servers.smtp import MailServer

TAKERS = [name for name in CASES if name != "pagerduty"]
URL = "https://pages.example/reports/executive/2026-W47"
MESSAGE = ReportMessage(key="report:executive:2026-W47:x", channel="x", report=report(), url=URL, at=MADE_AT)


@pytest.fixture(params=TAKERS)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def server(case: Case) -> Iterator[Server]:
    with case.serve() as made:
        yield made


@pytest.fixture
def channel(case: Case, server: Server) -> Channel:
    return PlainTextRetry(case.open(server.port, 10.0))


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with quiet(caplog, *SECRETS):
        yield


def test_a_report_is_delivered_with_its_headlines_and_its_page(channel: Channel, server: Server) -> None:
    assert send_report(channel, MESSAGE).outcome is DeliveryOutcome.DELIVERED
    assert server.faults() == []
    (heard,) = server.heard()
    assert "Executive report, 2026-11-16 to 2026-11-22" in heard
    assert URL in heard
    for headline in MESSAGE.report.headlines:
        assert headline.text in heard.replace("&lt;", "<").replace("&gt;", ">")


def test_a_receiver_that_does_not_take_it_now_is_asked_again(channel: Channel, server: Server) -> None:
    server.fail()
    with pytest.raises(UnavailableError):
        send_report(channel, MESSAGE)
    assert send_report(channel, MESSAGE).outcome is DeliveryOutcome.DELIVERED
    assert len(server.heard()) == 1


def test_a_form_that_is_refused_is_sent_as_text(channel: Channel, server: Server) -> None:
    server.refuse()
    receipt = send_report(channel, MESSAGE)
    assert receipt.outcome is DeliveryOutcome.DELIVERED
    assert receipt.detail.startswith("as plain text, since it was refused:")
    assert "Executive report" in server.heard()[-1]


@pytest.mark.parametrize("name", ["technical", "operations", "business"])
def test_every_report_is_taken(channel: Channel, server: Server, name: str) -> None:
    assert send_report(channel, replace(MESSAGE, report=report(name))).outcome is DeliveryOutcome.DELIVERED
    assert server.faults() == []


def test_a_rate_limit_holds_for_reports(case: Case, server: Server) -> None:
    store = SqliteStore(":memory:")
    setting = replace(case.setting(server.port, "http"), per_minute=2)
    channels = open_channels([setting], lambda: NOW, store)
    send_report(channels["x"], MESSAGE)
    assert store.get(COLLECTION, "x") is not None
    store.close()


def test_a_pager_refuses_reports() -> None:
    case = CASES["pagerduty"]
    with case.serve() as server:
        opened = case.open(server.port, 10.0)
        assert not isinstance(opened, ReportChannel)
        for channel in (opened, PlainTextRetry(opened)):
            assert send_report(channel, MESSAGE).outcome is DeliveryOutcome.REFUSED
        assert server.heard() == []


def test_a_mail_has_text_and_tables_and_the_same_id_each_time() -> None:
    case = CASES["email"]
    with MailServer(auth=True) as server:
        channel = case.open(server.port, 10.0)
        for _ in range(2):
            assert send_report(channel, MESSAGE).outcome is DeliveryOutcome.DELIVERED
        first, second = (letter.parsed for letter in server.letters)
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in first.iter_parts() if isinstance(part, EmailMessage))
    assert "QUERIES" in text
    assert "<table" in html
    assert "<img" not in html
    assert f'href="{URL}#q-revenue_days"' in html
    assert "&lt;b&gt;market&lt;/b&gt;" in html


def test_a_webhook_gets_the_document_as_data() -> None:
    case = CASES["webhook"]
    with case.serve() as server:
        assert isinstance(server, HttpServer)
        send_report(case.open(server.port, 10.0), MESSAGE)
        body = server.receiver.log.calls[0].body
    assert (body["type"], body["key"], body["url"]) == ("report", MESSAGE.key, URL)
    assert body["report"]["week"] == "2026-W47"
    assert body["report"]["sections"][0]["statements"][0]["parts"][0] == "Revenue was "
