"""Every kind of probe against real servers on loopback, good and bad."""

import gzip
import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import trustme

from core.health import ProbeReason
from functions.adapters.probes import http
from functions.adapters.probes import run as runner
from functions.adapters.probes import web as web_request
from tests.support.servers.targets import (
    free_port,
    http_probe,
)

if TYPE_CHECKING:
    from tests.support.servers.targets import Handler, Web

pytest_plugins = ["tests.support.servers.target_fixtures"]
SHORT = timedelta(seconds=0.3)
NOW = datetime.now(UTC).replace(microsecond=0)


# HTTP


def test_http_sees_status_and_body_and_takes_time(web: "Web") -> None:
    result = http.check(http_probe(web.url(), status=200, body="ok"))
    assert (result.ok, result.reason, result.status, result.body) == (True, ProbeReason.OK, 200, "ok")
    assert result.latency > 0


def test_http_without_an_expected_status_takes_any_success(web: "Web") -> None:
    web.routes["/made"] = lambda handler: handler.reply(201)
    web.routes["/broken"] = lambda handler: handler.reply(500)
    assert http.check(http_probe(web.url("/made"))).ok
    assert http.check(http_probe(web.url("/broken"))).detail == "status: must be 200 to 299, got 500"


def test_http_wrong_status_is_told_with_both_numbers(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.reply(503, b"ok")
    result = http.check(http_probe(web.url(), status=200, body="ok"))
    assert (result.reason, result.detail) == (ProbeReason.WRONG_STATUS, "status: must be 200, got 503")


def test_http_wrong_body_is_told_but_not_repeated(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.reply(200, f"error at {handler.path}".encode())
    result = http.check(http_probe(web.url("/?token=hush"), body="fine"))
    assert result.reason is ProbeReason.WRONG_BODY
    assert "hush" not in repr(result)


def test_http_reads_a_compressed_body(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.reply(200, gzip.compress(b"all is well"), Content_Encoding="gzip")
    assert http.check(http_probe(web.url(), body="all is well")).ok


def test_http_reads_no_more_of_an_endless_body_than_its_bound(web: "Web") -> None:
    def endless(handler: "Handler") -> None:
        handler.send_response(200)
        handler.end_headers()
        while not web.over.is_set():
            handler.wfile.write(b"x" * 65536)

    web.routes["/"] = endless
    result = http.check(http_probe(web.url()))
    assert result.ok
    assert len(result.body) == web_request.BODY


def test_http_reads_no_more_of_a_compression_bomb_than_its_bound(web: "Web") -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    web.routes["/"] = lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")
    assert len(http.check(http_probe(web.url())).body) == web_request.BODY


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"z"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nz\r\n"),
    ],
    ids=["status line", "header", "body", "chunks"],
)
def test_http_a_server_that_drips_does_not_hold_the_probe(web: "Web", start: bytes, drop: bytes) -> None:
    web.routes["/"] = lambda handler: handler.drip(start, drop)
    assert http.check(http_probe(web.url(), timeout=SHORT)).reason is ProbeReason.TIMEOUT


def test_http_a_server_that_says_nothing_is_a_timeout(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.hang()
    assert http.check(http_probe(web.url(), timeout=SHORT)).reason is ProbeReason.TIMEOUT


def test_http_nobody_listening_is_refused() -> None:
    port = free_port()
    result = http.check(http_probe(f"http://localhost:{port}/x"))
    assert (result.reason, result.detail) == (ProbeReason.REFUSED, f"refused: http://localhost:{port}/x")


def test_http_an_unknown_host_is_told() -> None:
    assert http.check(http_probe("http://nowhere.invalid/")).reason is ProbeReason.UNKNOWN_NAME


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", ProbeReason.CLOSED_EARLY),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", ProbeReason.CLOSED_EARLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha", ProbeReason.CLOSED_EARLY),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nha", ProbeReason.BAD_ANSWER),
        (b"220 mail.test ESMTP\r\n", ProbeReason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf", ProbeReason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", ProbeReason.BAD_ANSWER),
    ],
    ids=[
        "nothing",
        "half a body",
        "half a chunk",
        "a chunk of negative size",
        "another protocol",
        "no gzip",
        "too many headers",
    ],
)
def test_http_a_broken_answer_is_told(web: "Web", sent: bytes, reason: ProbeReason) -> None:
    def broken(handler: "Handler") -> None:
        handler.wfile.write(sent)

    web.routes["/"] = broken
    assert http.check(http_probe(web.url())).reason is reason


def test_http_follows_redirects(web: "Web") -> None:
    web.routes["/old"] = lambda handler: handler.reply(301, Location="/new")
    web.routes["/new"] = lambda handler: handler.reply(307, Location=web.url("/"))
    assert http.check(http_probe(web.url("/old"), status=200, body="ok")).ok


def test_http_a_redirect_that_is_expected_is_not_followed(web: "Web") -> None:
    web.routes["/old"] = lambda handler: handler.reply(302, Location="/")
    result = http.check(http_probe(web.url("/old"), status=302))
    assert (result.ok, result.status, len(web.asked)) == (True, 302, 1)


def test_http_a_redirect_to_itself_is_a_loop(web: "Web") -> None:
    web.routes["/a"] = lambda handler: handler.reply(302, Location="/b")
    web.routes["/b"] = lambda handler: handler.reply(302, Location="/a")
    assert http.check(http_probe(web.url("/a"))).reason is ProbeReason.REDIRECT_LOOP
    assert len(web.asked) == 2


def test_http_redirects_without_end_are_given_up(web: "Web") -> None:
    web.routes["/on"] = lambda handler: handler.reply(302, Location=f"/on?{len(web.asked)}")
    assert http.check(http_probe(web.url("/on"))).reason is ProbeReason.TOO_MANY_REDIRECTS
    assert len(web.asked) == 1 + http.REDIRECTS


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://localhost/", "http://[::", "http://:80/", "http://h:99999/"]
)
def test_http_a_redirect_to_no_web_page_is_refused(web: "Web", location: str) -> None:
    web.routes["/"] = lambda handler: handler.reply(302, Location=location)
    assert http.check(http_probe(web.url())).reason is ProbeReason.REDIRECT_REFUSED


def test_http_a_redirect_without_a_location_is_an_answer(web: "Web") -> None:
    web.routes["/"] = lambda handler: handler.reply(302)
    assert http.check(http_probe(web.url(), status=200)).detail == "status: must be 200, got 302"


def test_http_sends_credentials_to_its_own_origin_only(web: "Web") -> None:
    elsewhere = web.url("/there").replace("localhost", "127.0.0.1")
    web.routes["/here"] = lambda handler: handler.reply(302, Location="/again")
    web.routes["/again"] = lambda handler: handler.reply(302, Location=elsewhere)
    web.routes["/there"] = lambda handler: handler.reply(200)
    assert http.check(http_probe(web.url("/here", auth="me:s%40cret@"))).ok
    assert [headers.get("Authorization") for _, headers in web.asked] == ["Basic bWU6c0BjcmV0"] * 2 + [None]


def test_http_tells_no_secret_of_its_url(web: "Web", caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    web.routes["/odd"] = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nno header\r\n\r\n")
    web.routes["/closed"] = lambda handler: None
    web.routes["/moved"] = lambda handler: handler.reply(302, Location="ftp://hush/")
    urls = [web.url(f"/{path}?token=hush", auth="hush:hush@") for path in ("", "odd", "closed", "moved")]
    urls += ["http://hush:hush@nowhere.invalid/?hush", "http://localhost:1x/hush", "gopher://hush:hush@localhost/?hush"]
    results = [runner.check(http_probe(url, status=418)) for url in urls]
    assert not any(result.ok for result in results)
    assert "hush" not in repr(results) + caplog.text


def test_http_over_tls_reports_the_certificate(web: "Web", authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=30)
    web.secure(authority.issue_cert("localhost", not_after=ends))
    result = http.check(http_probe(web.url(scheme="https"), body="ok"))
    assert (result.ok, result.certificate_expires_at) == (True, ends)


def test_http_over_tls_with_an_expired_certificate_says_so(web: "Web", authority: trustme.CA) -> None:
    ends = NOW - timedelta(days=1)
    web.secure(authority.issue_cert("localhost", not_before=NOW - timedelta(days=2), not_after=ends))
    result = http.check(http_probe(web.url(scheme="https")))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_EXPIRED, ends)


def test_http_a_redirect_from_tls_to_plain_is_refused(web: "Web", authority: trustme.CA) -> None:
    web.secure(authority.issue_cert("localhost"))
    web.routes["/"] = lambda handler: handler.reply(302, Location=web.url("/"))
    assert http.check(http_probe(web.url(scheme="https"))).reason is ProbeReason.REDIRECT_REFUSED


def test_http_over_tls_a_server_that_drips_does_not_hold_the_probe(web: "Web", authority: trustme.CA) -> None:
    web.secure(authority.issue_cert("localhost"))
    web.routes["/"] = lambda handler: handler.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"z")
    assert http.check(http_probe(web.url(scheme="https"), timeout=SHORT)).reason is ProbeReason.TIMEOUT


# TLS
