"""Receivers that answer nonsense, too much or too slowly: every HTTP channel comes back in time, and says so."""

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
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from tests.support.builders.letters import MESSAGE
from tests.support.checks.quiet import quiet, said
from tests.support.servers.channels import CASES, HTTP, SECRETS, Case

pytest_plugins = ["tests.support.servers.target_fixtures"]
SECONDS = 0.5
PATIENCE = 10.0
"""For what shall succeed, also on a machine that is busy."""
Speak = Callable[[socket.socket, threading.Event], None]


@pytest.fixture(params=HTTP)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    logging.getLogger("urllib3").setLevel(logging.DEBUG)
    with quiet(caplog, *SECRETS):
        yield


@contextmanager
def talking(speak: Speak, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server that does with one connection as it likes."""
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
        yield listener.getsockname()[1]
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


def reset(stream: socket.socket, _: threading.Event) -> None:
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def send(case: Case, speak: Speak) -> Receipt | UnavailableError:
    with talking(speak) as port:
        try:
            return case.open(port, SECONDS).send(MESSAGE)
        except UnavailableError as error:
            return unseen(case, error)


def unseen(case: Case, error: UnavailableError) -> UnavailableError:
    """The error, in which no secret is seen."""
    assert not [secret for secret in case.secrets if secret in said(error)]
    return error


NONSENSE: dict[str, Speak] = {
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
def test_what_is_no_answer_is_tried_again(case: Case, speak: Speak) -> None:
    error = send(case, speak)
    assert isinstance(error, UnavailableError)
    assert str(error).startswith("channel x: ")


@pytest.mark.parametrize("make", [endless, dripping])
@pytest.mark.parametrize("headers", [b"", b"Content-Length: 99999999\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_a_body_without_end_keeps_nobody_and_the_status_counts_where_it_says_all(
    case: Case, make: Callable[[bytes], Speak], headers: bytes
) -> None:
    outcome = send(case, make(b"HTTP/1.1 %d OK\r\n%s\r\n" % (case.status, headers)))
    if case.body:
        assert str(outcome) == f"channel x: answered {case.status} without 'ok'"
    else:
        assert outcome == Receipt(DeliveryOutcome.DELIVERED)


@pytest.mark.parametrize("make", [endless, dripping])
def test_a_refusal_without_end_is_one(case: Case, make: Callable[[bytes], Speak]) -> None:
    assert send(case, make(b"HTTP/1.1 400 Bad Request\r\n\r\n")) == Receipt(DeliveryOutcome.REFUSED, "HTTP 400")


def test_a_page_of_a_proxy_is_no_delivery(case: Case) -> None:
    page = b"<html>Please sign in</html>"
    outcome = send(case, saying(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(page), page)))
    if case is CASES["webhook"]:
        assert outcome == Receipt(
            DeliveryOutcome.DELIVERED
        )  # any program may be behind it, and 2xx is all that it must say
    else:
        assert str(outcome).startswith("channel x: answered 200")


@pytest.mark.parametrize("of", ["another", "other.example"])
def test_a_receiver_that_is_not_trusted_hears_nothing(case: Case, authority: trustme.CA, of: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued = trustme.CA().issue_cert("localhost") if of == "another" else authority.issue_cert(of)
    issued.configure_cert(context)
    heard: list[bytes] = []
    with talking(lambda stream, _: heard.append(stream.recv(1)), context) as port:
        with pytest.raises(UnavailableError, match="no answer") as caught:
            case.open(port, SECONDS, "https").send(MESSAGE)
        unseen(case, caught.value)
    assert heard == []


def test_a_receiver_that_is_trusted_hears_it_over_tls(case: Case, authority: trustme.CA) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    speak = saying(b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n%s" % (case.status, len(case.body), case.body))
    with talking(speak, context) as port:
        assert case.open(port, PATIENCE, "https").send(MESSAGE) == Receipt(DeliveryOutcome.DELIVERED)
