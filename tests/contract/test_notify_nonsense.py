"""Receivers that answer nonsense, too much, too slowly or not at all: every HTTP channel comes back in time, and says so."""

import logging
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import trustme

from core.errors import UnavailableError
from core.settings.people import SlackChannel
from functions.adapters.notify.pagerduty import PagerDuty
from functions.adapters.notify.port import Channel, Outcome, Receipt
from functions.adapters.notify.slack import SlackBot, SlackWebhook
from functions.adapters.notify.webhook import Webhook
from tests.support.letters import MESSAGE, NOW
from tests.support.quiet import quiet, said

pytest_plugins = ["tests.support.target_fixtures"]
SECRET = "T0PS3CR3T"
SECONDS = 0.5
PATIENCE = 10.0
"""For what shall succeed, also on a machine that is busy."""
Speak = Callable[[socket.socket, threading.Event], None]
Open = Callable[[str, float], Channel]
OPEN: dict[str, Open] = {
    "webhook": lambda url, seconds: Webhook("x", f"{url}/{SECRET}", lambda: NOW, seconds, secret=SECRET),
    "pagerduty": lambda url, seconds: PagerDuty("x", SECRET, f"{url}/v2/enqueue", lambda: NOW, seconds),
    "slack": lambda url, seconds: SlackWebhook("x", f"{url}/{SECRET}", lambda: NOW, seconds),
    "bot": lambda url, seconds: SlackBot(
        SlackChannel(name="x", token=SECRET, room="C0", api=f"{url}/api"), lambda: NOW, seconds
    ),
}
GOOD = {"webhook": 200, "pagerduty": 202, "slack": 200, "bot": 200}


@pytest.fixture(params=OPEN)
def kind(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with quiet(caplog, SECRET):
        yield


@contextmanager
def talking(speak: Speak, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of a server that does with one connection as it likes."""
    over = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with suppress(OSError):
            stream = context.wrap_socket(connection, server_side=True) if context else connection
            with stream:
                _hear(stream)
                speak(stream, over)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield f"{'https' if context else 'http'}://localhost:{listener.getsockname()[1]}"
        over.set()
        thread.join()


def _hear(stream: socket.socket) -> None:
    """Read the whole request: what closes a connection before that resets it, and the answer may be lost."""
    heard = b""
    while b"\r\n\r\n" not in heard and (piece := stream.recv(65536)):
        heard += piece
    head, _, body = heard.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: *(\d+)", head)
    while found and len(body) < int(found[1]) and (piece := stream.recv(65536)):
        body += piece


def saying(text: bytes) -> Speak:
    return lambda stream, _: stream.sendall(text)


def endless(start: bytes) -> Speak:
    def speak(stream: socket.socket, over: threading.Event) -> None:
        stream.sendall(start)
        while not over.is_set():
            stream.sendall(b"x" * 65536)

    return speak


def dripping(start: bytes) -> Speak:
    def speak(stream: socket.socket, over: threading.Event) -> None:
        stream.sendall(start)
        while not over.wait(0.05):
            stream.sendall(b"x")

    return speak


def silent(_: socket.socket, over: threading.Event) -> None:
    over.wait(30)


def reset(stream: socket.socket, _: threading.Event) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def send(kind: str, speak: Speak) -> Receipt | UnavailableError:
    with talking(speak) as url:
        try:
            return OPEN[kind](url, SECONDS).send(MESSAGE)
        except UnavailableError as error:
            if SECRET in said(error):
                pytest.fail("the error shows a secret")
            return error


NONSENSE: dict[str, Speak] = {
    "nothing": silent,
    "reset": reset,
    "end": saying(b""),
    "binary": saying(b"\0\1\2\r\n\r\n"),
    "html": saying(b"<html>hello</html>\r\n\r\n"),
    "status of two digits": saying(b"HTTP/1.1 20 OK\r\n\r\n"),
    "two lengths": saying(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\n"),
    "mail": saying(b"220 mail.example ESMTP\r\n"),
    "slow status": dripping(b"HTTP/1.1 200 O"),
    "slow header": dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "endless status": endless(b"HTTP/1.1 200 "),
    "endless header": endless(b"HTTP/1.1 200 OK\r\nX: "),
}


@pytest.mark.parametrize("speak", list(NONSENSE.values()), ids=list(NONSENSE))
def test_what_is_no_answer_is_tried_again(kind: str, speak: Speak) -> None:
    error = send(kind, speak)
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("channel x: ")


@pytest.mark.parametrize("make", [endless, dripping])
@pytest.mark.parametrize("headers", [b"", b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_without_end_keeps_nobody_and_the_status_counts_where_it_says_all(
    kind: str, make: Callable[[bytes], Speak], headers: bytes
) -> None:
    outcome = send(kind, make(b"HTTP/1.1 %d OK\r\n%s\r\n" % (GOOD[kind], headers)))
    if kind in {"webhook", "pagerduty"}:
        assert outcome == Receipt(Outcome.DELIVERED)
    else:
        assert str(outcome) == "channel x: answered 200 without 'ok'"


@pytest.mark.parametrize("make", [endless, dripping])
def test_a_refusal_without_end_is_one(kind: str, make: Callable[[bytes], Speak]) -> None:
    assert send(kind, make(b"HTTP/1.1 400 Bad Request\r\n\r\n")) == Receipt(Outcome.REFUSED, "HTTP 400")


def test_a_page_of_a_proxy_is_no_delivery(kind: str) -> None:
    page = b"<html>Please sign in</html>"
    outcome = send(kind, saying(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)))
    if kind == "webhook":
        assert outcome == Receipt(Outcome.DELIVERED)  # any program may be behind it, and 2xx is all that it must say
    else:
        assert str(outcome).startswith("channel x: answered 200")


@pytest.mark.parametrize("of", ["another", "other.example"])
def test_a_receiver_that_is_not_trusted_hears_nothing(kind: str, authority: trustme.CA, of: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = trustme.CA().issue_cert("localhost") if of == "another" else authority.issue_cert(of)
    issued.configure_cert(context)
    heard: list[bytes] = []
    with talking(lambda stream, _: heard.append(stream.recv(1)), context) as url:
        with pytest.raises(UnavailableError, match="no answer") as caught:
            OPEN[kind](url, SECONDS).send(MESSAGE)
        assert SECRET not in said(caught.value)
    assert heard == []


def test_a_receiver_that_is_trusted_hears_it_over_tls(kind: str, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    bodies = {"slack": b"ok", "bot": b'{"ok":true}'}
    body = bodies.get(kind, b"")
    speak = saying(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s" % (GOOD[kind], len(body), body))
    with talking(speak, context) as url:
        assert OPEN[kind](url, PATIENCE).send(MESSAGE) == Receipt(Outcome.DELIVERED)
