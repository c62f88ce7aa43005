"""E-mail against a real mail server, over TLS, STARTTLS and neither."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any

import pytest
import trustme
from hypothesis import given

from core.errors import UnavailableError
from core.events import Change
from core.incidents.messages import Fact, Message
from core.settings.channels import EmailChannel, Encryption
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.notify.email import LONGEST_SUBJECT, Email, letter
from tests.support.builders.budget import some
from tests.support.builders.letters import MESSAGE, MESSAGES, NOW
from tests.support.checks.quiet import quiet, said
from tests.support.servers.smtp import PASSWORD, USER, MailServer

pytest_plugins = ["tests.support.servers.target_fixtures"]
SENDER = "Alerts <alerts@example.com>"
TO = ("ann@example.com", "bob@example.com")
SECONDS = 2.0


def setting(port: int, **changes: Any) -> EmailChannel:
    usual = EmailChannel(name="mail", host="localhost", port=port, sender=SENDER, to=TO, encryption=Encryption.NONE)
    return replace(usual, **changes)


def secure(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with quiet(caplog, PASSWORD):
        yield


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as made:
        yield made


def email(port: int, **changes: Any) -> Email:
    return Email(setting(port, **changes), SECONDS)


def test_a_message_arrives_as_text_and_as_html(server: MailServer) -> None:
    assert email(server.port).send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    (taken,) = server.letters
    made = taken.parsed
    assert (taken.sender, taken.to) == ("alerts@example.com", list(TO))
    assert (made["From"], made["To"]) == (SENDER, "ann@example.com, bob@example.com")
    assert made["Subject"] == "[critical] departure_delay drifted ✈"
    assert made["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(made["Date"]).astimezone(UTC) == NOW
    text, html = (made.get_body((kind,)) for kind in ("plain", "html"))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert made.get_content_type() == "multipart/alternative"
    assert text.get_content().replace("\r\n", "\n") == (
        "departure_delay drifted ✈\n\n"
        f"{MESSAGE.text}\n\n"
        f"Impact: $1,200 an hour\nEvidence: {MESSAGE.facts[1].text.strip()}\n\n"
        f"The incident: {MESSAGE.url}\n\nRunbook: {MESSAGE.runbook}\n\n"
        f"drift · model/m · 2026-01-02 09:00 UTC · {MESSAGE.incident_id}\n"
    )
    assert f'<a href="{MESSAGE.url}">See and acknowledge the incident</a>' in html.get_content()


def test_every_attempt_has_the_same_id_and_an_incident_is_one_conversation(server: MailServer) -> None:
    later = replace(MESSAGE, key="model-m-20260102-1a2b3c4d:2:people", change=Change.RESOLVED)
    other = replace(MESSAGE, key="another", incident_id="another")
    for message in (MESSAGE, MESSAGE, later, other):
        email(server.port).send(message)
    ids, threads = ([made.parsed[name] for made in server.letters] for name in ("Message-ID", "References"))
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    assert threads[0] == threads[1] == threads[2] != threads[3]
    assert all(made.parsed["In-Reply-To"] == made.parsed["References"] for made in server.letters)
    assert all(re.fullmatch(r"<[0-9a-f]{40}@example\.com>", name) for name in ids + threads)


class Links:
    """The links of ann, who may answer."""

    def knows(self, address: str) -> bool:
        return address == "ann@example.com"

    def __call__(self, address: str, message: Message) -> tuple[tuple[str, str], ...]:
        assert self.knows(address)
        return (("Acknowledge", f"https://answers.example.com/answer?token={message.key}"),)


def test_a_person_who_may_answer_gets_a_letter_of_their_own_with_the_links(server: MailServer) -> None:
    for _ in range(2):
        assert Email(setting(server.port), SECONDS, Links()).send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
    others, alone, _, again = server.letters
    assert (others.to, alone.to) == (["bob@example.com"], ["ann@example.com"])
    assert (others.parsed["To"], alone.parsed["To"]) == ("bob@example.com", "ann@example.com")
    assert "answers.example.com" not in others.parsed.as_string()
    link = f"https://answers.example.com/answer?token={MESSAGE.key}"
    text, html = (alone.parsed.get_body((kind,)) for kind in ("plain", "html"))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert f"Acknowledge: {link}" in text.get_content()
    assert f'<a href="{link}">Acknowledge</a>' in html.get_content()
    assert others.parsed["Message-ID"] != alone.parsed["Message-ID"] == again.parsed["Message-ID"]
    assert others.parsed["References"] == alone.parsed["References"]


def test_a_person_who_is_refused_does_not_keep_the_letters_of_others_back(server: MailServer) -> None:
    server.replies = {"ann@example.com": "550 no such user"}
    receipt = Email(setting(server.port), SECONDS, Links()).send(MESSAGE)
    assert receipt == Receipt(DeliveryOutcome.DELIVERED, "not to ann@example.com: 550")
    assert [letter.to for letter in server.letters] == [["bob@example.com"]]


def test_where_every_person_is_refused_the_message_is(server: MailServer) -> None:
    server.replies = {"ann@example.com": "550 no such user", "bob@example.com": "553 no such user"}
    receipt = Email(setting(server.port), SECONDS, Links()).send(MESSAGE)
    assert receipt == Receipt(DeliveryOutcome.REFUSED, "SMTP 550: every recipient")


@pytest.mark.parametrize("encryption", [Encryption.TLS, Encryption.STARTTLS])
def test_the_password_travels_only_over_tls(authority: trustme.CA, encryption: Encryption) -> None:
    context = secure(authority, "localhost")
    with MailServer(context, at_once=encryption is Encryption.TLS, auth=True) as server:
        receipt = email(server.port, encryption=encryption, user=USER, password=PASSWORD).send(MESSAGE)
        assert receipt == Receipt(DeliveryOutcome.DELIVERED)
        (taken,) = server.letters
    assert (taken.tls, taken.user) == (True, USER)


@pytest.mark.parametrize("encryption", [Encryption.TLS, Encryption.STARTTLS])
@pytest.mark.parametrize("fault", ["of another", "for another host"])
def test_a_certificate_that_is_not_trusted_gets_nothing(
    authority: trustme.CA, encryption: Encryption, fault: str
) -> None:
    context = secure(trustme.CA(), "localhost") if fault == "of another" else secure(authority, "other.example")
    with MailServer(context, at_once=encryption is Encryption.TLS, auth=True) as server:
        with pytest.raises(UnavailableError, match=r"channel mail: no delivery \(SSLCertVerificationError\)") as caught:
            email(server.port, encryption=encryption, user=USER, password=PASSWORD).send(MESSAGE)
        assert (server.letters, server.logins) == ([], [])
    assert PASSWORD not in said(caught.value)


def test_a_server_without_tls_gets_nothing(server: MailServer) -> None:
    with pytest.raises(UnavailableError, match=r"no delivery \(SMTPNotSupportedError\)"):
        email(server.port, encryption=Encryption.STARTTLS, user=USER, password=PASSWORD).send(MESSAGE)
    assert server.letters == []


def test_a_password_is_never_sent_unprotected_to_another_machine() -> None:
    for host in ("mail.example.com", "192.0.2.7", "2001:db8::7", "localhost.example.com", "0x7f.1"):
        receipt = email(9, host=host, user=USER, password=PASSWORD).send(MESSAGE)
        assert receipt.outcome is DeliveryOutcome.REFUSED
        assert "encryption: must not be none" in receipt.detail


def test_a_server_on_this_machine_may_be_trusted_with_a_password() -> None:
    with MailServer(auth=True) as server:
        assert email(server.port, host="127.0.0.1", user=USER, password=PASSWORD).send(MESSAGE).detail == ""
        assert server.logins == [True]


def test_a_wrong_password_is_refused_and_not_shown() -> None:
    with MailServer(auth=True) as server:
        channel = email(server.port, user=USER, password="wr0ng-T0PS3CR3T")
        assert channel.send(MESSAGE) == Receipt(DeliveryOutcome.REFUSED, "SMTP 535: user and password")
        assert "T0PS3CR3T" not in repr(channel)


def test_a_password_beyond_ascii_is_not_shown() -> None:
    with MailServer(auth=True) as server, pytest.raises(UnavailableError) as caught:
        email(server.port, user=USER, password=f"{PASSWORD}✈").send(MESSAGE)
    assert PASSWORD not in said(caught.value)


@pytest.mark.parametrize(
    ("replies", "detail"),
    [
        ({"MAIL": f"550 not you, {PASSWORD.lower()}"}, "SMTP 550: not you, …"),
        ({"DATA": "554 spam"}, "SMTP 554: spam"),
        (dict.fromkeys(TO, "550 no such"), "SMTP 550: every recipient"),
    ],
)
def test_an_answer_from_500_on_is_final(server: MailServer, replies: dict[str, str], detail: str) -> None:
    server.replies = replies
    receipt = email(server.port, password=PASSWORD).send(MESSAGE)
    assert receipt == Receipt(DeliveryOutcome.REFUSED, detail)


@pytest.mark.parametrize(
    "replies",
    [
        {"MAIL": "451 later"},
        {"DATA": "452 full"},
        {"ann@example.com": "450 busy", "bob@example.com": "550 no such"},
        {"MAIL": "421 closing"},
        {"DATA": "421 closing"},
        {"MAIL": "drop"},
        {"DATA": "drop"},
        {"MAIL": "hang"},
    ],
)
def test_anything_less_is_tried_again(server: MailServer, replies: dict[str, str]) -> None:
    server.replies = replies
    with pytest.raises(UnavailableError, match="channel mail: "):
        email(server.port).send(MESSAGE)
    assert server.letters == []
    server.replies = {}
    assert email(server.port).send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)


def test_who_is_refused_is_named_and_the_others_get_it(server: MailServer) -> None:
    server.replies = {"bob@example.com": "550 no such person"}
    assert email(server.port).send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED, "not to bob@example.com: 550")
    assert server.letters[0].to == ["ann@example.com"]


@contextmanager
def talking(speak: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """The port of a server that does with one connection as it likes."""
    over = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            speak(connection, over)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        over.set()
        thread.join()


def drip(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"220-")
    while not over.wait(0.05):
        connection.sendall(b"x")


def flood(connection: socket.socket, over: threading.Event) -> None:
    while not over.is_set():
        connection.sendall(b"220-more\r\n" * 1000)


def silent(connection: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def web(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n<html>")


def reset(connection: socket.socket, over: threading.Event) -> None:
    over.wait(0.1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@pytest.mark.parametrize("speak", [drip, flood, silent, web, reset])
@pytest.mark.parametrize("encryption", list(Encryption))
def test_a_server_that_makes_no_sense_is_left(
    speak: Callable[[socket.socket, threading.Event], None], encryption: Encryption
) -> None:
    with talking(speak) as port:
        channel = Email(setting(port, host="127.0.0.1", encryption=encryption), 0.5)
        with pytest.raises(UnavailableError, match="channel mail: "):
            channel.send(MESSAGE)


def test_what_a_server_says_before_tls_is_forgotten(authority: trustme.CA) -> None:
    """The answer to a command that was never given, slipped in before the handshake, is not taken for one."""
    context = secure(authority, "localhost")

    def speak(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"220 hello\r\n")
        connection.recv(1000)
        connection.sendall(b"250-mail.test\r\n250 STARTTLS\r\n")
        connection.recv(1000)
        connection.sendall(b"220 go\r\n250-mail.test\r\n250 AUTH PLAIN\r\n")
        with context.wrap_socket(connection, server_side=True) as protected:
            heard.append(protected.recv(1000))
            protected.sendall(b"250 mail.test\r\n")
            heard.append(protected.recv(1000))

    heard: list[bytes] = []
    with talking(speak) as port, pytest.raises(UnavailableError):
        email(port, encryption=Encryption.STARTTLS, user=USER, password=PASSWORD).send(MESSAGE)
    assert PASSWORD.encode() not in b"".join(heard)


class Page(HTMLParser):
    """The tags of a page, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]
        assert {name for name, _ in attrs} <= {"style", "lang", "charset", "name", "content", "href"}


TAGS = {"html", "head", "meta", "body", "div", "p", "h1", "table", "tr", "th", "td", "a"}
NAMES = ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version"]


def assert_well_formed(raw: bytes) -> None:
    made = message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)
    assert made.keys() == [*NAMES[:8], *(name for name in made.keys()[8:] if name in {"MIME-Version", "Content-Type"})]
    assert made["To"] == ", ".join(TO)
    assert len(made["Subject"]) <= LONGEST_SUBJECT
    assert [part.get_content_type() for part in made.iter_parts()] == ["text/plain", "text/html"]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()
    assert b"\n" not in raw.replace(b"\r\n", b"")
    html = made.get_body(("html",))
    assert isinstance(html, EmailMessage)
    page = Page(html.get_content())
    assert page.tags <= TAGS
    assert all(link.startswith(("http://", "https://")) for link in page.links)


@pytest.mark.parametrize(
    "title",
    [
        "a\r\nBcc: eve@example.com",
        "=?utf-8?q?a=0D=0ABcc:_eve@example.com?=",
        "=?Q?=0D",
        "=\x00?utf-8?b?DQpCY2M6IGV2ZQ==?=",
        "\u2028Bcc: eve@example.com",
    ],
)
def test_a_title_is_never_a_header_of_its_own(title: str) -> None:
    raw = letter(replace(MESSAGE, title=title), sender=SENDER, to=TO)
    assert_well_formed(raw)
    assert not re.search(rb"^Bcc", raw.partition(b"\r\n\r\n")[0], re.MULTILINE | re.IGNORECASE)


@given(MESSAGES)
def test_any_message_makes_a_well_formed_mail(message: Message) -> None:
    assert_well_formed(letter(message, sender=SENDER, to=TO))


@pytest.mark.parametrize(
    "sign", some(("\ud800", "\r\nBcc: eve@example.com\r\n\r\n", "💥", "x", "é", "✈", "&", "\x00", "x\r\n"), 3)
)
def test_the_longest_message_is_taken(server: MailServer, sign: str) -> None:
    text = sign * 50_000
    facts = (Fact(name=text, text=text),) * 100
    message = replace(
        MESSAGE, title=text, text=text, target=text, category=text, incident_id=text, key=text, facts=facts
    )
    assert email(server.port).send(message) == Receipt(DeliveryOutcome.DELIVERED)
    assert server.letters[0].to == list(TO)
    assert_well_formed(server.letters[0].raw.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n"))
