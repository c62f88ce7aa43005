"""What every channel does that sends over the wire, whatever its kind: one suite, run over all of them."""

import logging
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given

from core.errors import LimitedError, UnavailableError
from core.events import Change
from core.incidents.messages import Fact, Message
from core.settings.channels import KINDS, secrets
from functions.adapters.notify.channel import (
    COLLECTION,
    Channel,
    DeliveryOutcome,
    PlainTextChannel,
    Receipt,
    kind_of,
    open_channels,
)
from functions.adapters.sqlite_store import SqliteStore
from tests.support.builders.budget import some
from tests.support.builders.letters import MESSAGE, MESSAGES, NOW
from tests.support.checks.quiet import quiet, said
from tests.support.fakes.clock import FakeClock
from tests.support.servers.channels import CASES, HTTP, SECRETS, Case, HttpServer, Server
from tests.support.servers.receivers import Reply

SECONDS = 10.0
"""For what shall succeed, also on a machine that is busy."""
OTHER = replace(MESSAGE, key="another", incident_id="another")
SIGNS = (
    "x",
    "💥",
    "\ud800",
    "\r\nBcc: eve@example.com\r\n",
    "é",
    "✈",
    "&",
    "*",
    "<!here> ",
    '"',
    "\\",
    "\x00",
    "x\n",
)
"""What texts may consist of: first what is short, long, not to be encoded, and of more than one line."""


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
def server(case: Case) -> Iterator[Server]:
    with case.serve() as made:
        yield made


@pytest.fixture
def channel(case: Case, server: Server) -> Channel:
    return case.open(server.port, SECONDS)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """However much is logged, no secret is."""
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with quiet(caplog, *SECRETS):
        yield


def attempt(case: Case, channel: Channel, message: Message = MESSAGE) -> Receipt | UnavailableError:
    """What comes of sending; whatever it is, it shows no secret."""
    try:
        outcome: Receipt | UnavailableError = channel.send(message)
    except UnavailableError as error:
        outcome = error
    shown = repr(channel) + (said(outcome) if isinstance(outcome, Exception) else repr(outcome))
    assert not [secret for secret in case.secrets if secret in shown]
    return outcome


def test_every_kind_sends_over_the_wire_here_but_the_console() -> None:
    sent = {case.setting(1, "http").kind for case in CASES.values()}
    assert sent | {"console"} == set(KINDS)


def test_no_setting_shows_a_secret(case: Case) -> None:
    setting = case.setting(1, "http")
    assert secrets(type(setting))
    assert not [secret for secret in case.secrets if secret in repr(setting)]


def test_a_message_arrives_with_all_that_people_need(case: Case, channel: Channel, server: Server) -> None:
    assert attempt(case, channel) == Receipt(DeliveryOutcome.DELIVERED)
    (heard,) = server.heard()
    for part in (MESSAGE.title, MESSAGE.facts[0].text, MESSAGE.url, MESSAGE.runbook, MESSAGE.incident_id):
        assert part in heard
    assert server.faults() == []


@pytest.mark.parametrize("change", list(Change))
def test_every_change_is_taken(case: Case, channel: Channel, server: Server, change: Change) -> None:
    for missed in (False, True):
        assert attempt(case, channel, replace(MESSAGE, change=change, missed=missed)) == Receipt(
            DeliveryOutcome.DELIVERED
        )
    assert server.faults() == []


def test_a_repeated_message_has_the_same_key_where_the_receiver_knows_one(channel: Channel, server: Server) -> None:
    for message in (MESSAGE, MESSAGE, OTHER):
        channel.send(message)
    keys = server.keys()
    assert keys == [] or (keys[0] == keys[1] != keys[2])


def test_what_fails_now_is_sent_again_and_is_the_same(case: Case, channel: Channel, server: Server) -> None:
    server.fail()
    error = attempt(case, channel)
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("channel x: answered ")
    assert attempt(case, channel) == attempt(case, channel) == Receipt(DeliveryOutcome.DELIVERED)
    assert server.heard()[0] == server.heard()[1]


def test_what_is_refused_is_refused_for_good(case: Case, channel: Channel, server: Server) -> None:
    server.refuse()
    outcome = attempt(case, channel)
    assert isinstance(outcome, Receipt)
    assert (outcome.outcome, server.heard()) == (DeliveryOutcome.REFUSED, [])


def has_plain_text(case: Case) -> bool:
    return isinstance(case.open(1, SECONDS), PlainTextChannel)


def test_what_is_refused_is_sent_once_more_as_text_alone(case: Case, server: Server, tmp_path: Path) -> None:
    store = SqliteStore(str(tmp_path / "rates.db"))
    opened = open_channels([case.setting(server.port, "http")], lambda: NOW, store)["x"]
    server.refuse()
    outcome = attempt(case, opened)
    assert isinstance(outcome, Receipt)
    if has_plain_text(case):
        assert outcome.outcome is DeliveryOutcome.DELIVERED
        assert outcome.detail.startswith("as plain text, since it was refused: ")
        (heard,) = server.heard()
        assert MESSAGE.title in heard
        assert MESSAGE.facts[0].text not in heard
        assert server.faults() == []
    else:
        assert (outcome.outcome, server.heard()) == (DeliveryOutcome.REFUSED, [])
    store.close()


@pytest.mark.parametrize("name", CASES)
def test_any_message_is_taken_as_text(name: str) -> None:
    with CASES[name].serve() as server:
        channel = CASES[name].open(server.port, SECONDS)
        if not isinstance(channel, PlainTextChannel):
            assert name == "webhook"
            return

        @given(MESSAGES)
        def takes(message: Message) -> None:
            assert channel.send_plain_text(message) == Receipt(DeliveryOutcome.DELIVERED)

        takes()
        assert server.faults() == []


def test_a_receiver_that_says_nothing_is_left_in_time(case: Case) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:  # who connects is never answered
        error = attempt(case, case.open(listening.getsockname()[1], 0.5))
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("channel x: no ")
    assert error.__cause__ is None


def test_nobody_there_is_not_now(case: Case) -> None:
    with socket.socket() as bound:  # bound and not listening: whoever connects is refused
        bound.bind(("127.0.0.1", 0))
        error = attempt(case, case.open(bound.getsockname()[1], SECONDS))
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("channel x: no ")


@pytest.mark.parametrize("sign", some(SIGNS, 4))
def test_the_longest_message_is_taken(case: Case, channel: Channel, server: Server, sign: str) -> None:
    text = sign * (3000 // len(sign) + 1)  # more than any kind takes of one text, and ten of them than of all
    long, short = Fact(name=text, text=f"{text}."), Fact(name="a", text="b")
    message = replace(MESSAGE, key=text, title=text, target=text, category=text, incident_id=text, runbook=text)
    for facts in ((long,) * 100, (long, short) * 50, ()):
        whole = replace(message, text=f"{text}\n" * 10, facts=facts)
        assert attempt(case, channel, whole) == Receipt(DeliveryOutcome.DELIVERED)
    assert (len(server.heard()), server.faults()) == (3, [])


@pytest.mark.parametrize("name", CASES)
def test_any_message_is_taken(name: str) -> None:
    with CASES[name].serve() as server:
        channel = CASES[name].open(server.port, SECONDS)

        @given(MESSAGES)
        def takes(message: Message) -> None:
            assert channel.send(message) == Receipt(DeliveryOutcome.DELIVERED)

        takes()
        assert server.faults() == []


def test_a_channel_keeps_to_the_rate_of_its_settings(case: Case, server: Server, tmp_path: Path) -> None:
    clock, setting = FakeClock(), replace(case.setting(server.port, "http"), per_minute=2)
    store = SqliteStore(str(tmp_path / "rates.db"))
    limited = open_channels([setting], clock, store)["x"]
    pause = kind_of(setting).gap
    for _ in range(2):
        assert attempt(case, limited) == Receipt(DeliveryOutcome.DELIVERED)
        clock.now += pause
    error = attempt(case, limited)
    assert isinstance(error, LimitedError)
    assert "the messages of this minute are sent" in str(error)
    assert [document.key for document in store.find(COLLECTION)] == ["x"]
    store.close()


def test_two_messages_are_as_far_apart_as_the_kind_says(case: Case, server: Server, tmp_path: Path) -> None:
    setting = case.setting(server.port, "http")
    gap, clock = kind_of(setting).gap, FakeClock()
    store = SqliteStore(str(tmp_path / "rates.db"))
    limited = open_channels([setting], clock, store)["x"]
    limited.send(MESSAGE)
    outcome = attempt(case, limited)
    if gap:
        assert isinstance(outcome, LimitedError)
        assert outcome.until == clock.now + gap
    else:
        assert outcome == Receipt(DeliveryOutcome.DELIVERED)
    store.close()


class TestOverHttp:
    """What every channel makes of an answer of HTTP."""

    @pytest.fixture(params=HTTP)
    def case(self, request: pytest.FixtureRequest) -> Case:
        return CASES[request.param]

    @pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404, 409, 410, 413, 422])
    def test_a_refusal_is_final_and_a_redirect_is_not_followed(
        self, case: Case, channel: Channel, server: HttpServer, status: int
    ) -> None:
        server.receiver.scripted.append(Reply(status, b"", {"Location": server.receiver.address}))
        assert attempt(case, channel) == Receipt(DeliveryOutcome.REFUSED, f"HTTP {status}")
        assert server.receiver.log.requests == 1

    @pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
    def test_a_passing_fault_is_tried_again_later(
        self, case: Case, channel: Channel, server: HttpServer, status: int
    ) -> None:
        server.receiver.scripted.append(Reply(status, b"rollup_error"))
        error = attempt(case, channel)
        assert not isinstance(error, LimitedError)
        assert str(error) == f"channel x: answered {status}"
        assert attempt(case, channel) == Receipt(DeliveryOutcome.DELIVERED)
        assert server.receiver.heard[0][1] == server.receiver.heard[1][1]

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 503])
    @pytest.mark.parametrize("given", ["90", "Fri, 02 Jan 2026 09:01:30 GMT"])
    def test_a_retry_after_is_handed_on(
        self, case: Case, channel: Channel, server: HttpServer, status: int, given: str
    ) -> None:
        server.receiver.scripted.append(Reply(status, b"", {"Retry-After": given}))
        error = attempt(case, channel)
        assert isinstance(error, LimitedError)
        assert str(error) == f"channel x: answered {status}, until 2026-01-02T09:01:30Z"
        assert error.until == NOW + timedelta(seconds=90)

    def test_too_many_make_a_pause_where_the_answer_names_none(
        self, case: Case, channel: Channel, server: HttpServer
    ) -> None:
        server.receiver.scripted.append(Reply(429))
        error = attempt(case, channel)
        assert isinstance(error, LimitedError)
        assert error.until == NOW + timedelta(seconds=30)

    def test_a_refusal_that_repeats_a_secret_does_not_show_it(
        self, case: Case, channel: Channel, server: HttpServer
    ) -> None:
        for body in (case.secrets[0].encode(), f'{{"error":"{case.secrets[0]}"}}'.encode(), b"\xff", b"[" * 10_000):
            server.receiver.scripted.append(Reply(403, body))
            outcome = attempt(case, channel)
            assert isinstance(outcome, Receipt)
            assert outcome.outcome is DeliveryOutcome.REFUSED

    def test_what_is_refused_as_text_as_well_is_refused_for_good(
        self, case: Case, server: HttpServer, tmp_path: Path
    ) -> None:
        store = SqliteStore(str(tmp_path / "rates.db"))
        opened = open_channels([case.setting(server.port, "http")], lambda: NOW, store)["x"]
        server.receiver.scripted.extend([Reply(400), Reply(413)])
        outcome = attempt(case, opened)
        both = "HTTP 400; as text: HTTP 413" if has_plain_text(case) else "HTTP 400"
        assert outcome == Receipt(DeliveryOutcome.REFUSED, both)
        assert server.receiver.log.requests == 1 + has_plain_text(case)
        store.close()

    def test_a_text_that_fails_now_is_sent_again_from_the_start(
        self, case: Case, server: HttpServer, tmp_path: Path
    ) -> None:
        if not has_plain_text(case):
            assert case is CASES["webhook"]
            return
        clock = FakeClock()
        store = SqliteStore(str(tmp_path / "rates.db"))
        opened = open_channels([case.setting(server.port, "http")], clock, store)["x"]
        server.receiver.scripted.extend([Reply(400), Reply(503)])
        assert isinstance(attempt(case, opened), UnavailableError)
        clock.now += timedelta(minutes=1)
        assert attempt(case, opened) == Receipt(DeliveryOutcome.DELIVERED)
        store.close()
