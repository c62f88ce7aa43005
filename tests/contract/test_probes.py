"""Every kind of probe against real servers on loopback, good and bad."""

import gzip
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core.health import ProbeReason, ProbeResult
from functions.adapters.net import Deadline, dial
from functions.adapters.probes import dns, http, tcp, tls
from functions.adapters.probes import run as runner
from tests.support.servers.targets import (
    Secure,
    dns_probe,
    free_port,
    http_probe,
    server_context,
    serving,
    tcp_probe,
    tls_probe,
)

if TYPE_CHECKING:
    from core.settings import Probe
    from tests.support.servers.targets import Handler, Names, Web

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
    assert len(result.body) == http.BODY


def test_http_reads_no_more_of_a_compression_bomb_than_its_bound(web: "Web") -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    web.routes["/"] = lambda handler: handler.reply(200, bomb, Content_Encoding="gzip")
    assert len(http.check(http_probe(web.url())).body) == http.BODY


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
        (b"220 mail.test ESMTP\r\n", ProbeReason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf", ProbeReason.BAD_ANSWER),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n", ProbeReason.BAD_ANSWER),
    ],
    ids=["nothing", "half a body", "half a chunk", "another protocol", "no gzip", "too many headers"],
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


def self_signed(host: str, ends: datetime) -> trustme.LeafCert:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), NOW, ends)
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    made = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return trustme.LeafCert(secret, made.public_bytes(pem), [])


def look(certificate: trustme.LeafCert, **changes: object) -> ProbeResult:
    server = Secure(server_context(certificate))
    with serving(server):
        return tls.check(tls_probe(server.port, **changes))


@pytest.mark.parametrize("days", [3, 200])
def test_tls_a_trusted_certificate_is_good_until_it_expires(authority: trustme.CA, days: int) -> None:
    ends = NOW + timedelta(days=days)
    result = look(authority.issue_cert("localhost", not_after=ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.OK, ends)


def test_tls_an_expired_certificate_is_told_with_its_date(authority: trustme.CA) -> None:
    ends = NOW - timedelta(days=3)
    result = look(authority.issue_cert("localhost", not_before=NOW - timedelta(days=9), not_after=ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_EXPIRED, ends)


def test_tls_a_certificate_that_is_not_yet_valid_is_told_with_its_date(authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=9)
    result = look(authority.issue_cert("localhost", not_before=NOW + timedelta(days=3), not_after=ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_NOT_YET_VALID, ends)


def test_tls_a_self_signed_certificate_is_told_with_its_date(authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=9)
    result = look(self_signed("localhost", ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_SELF_SIGNED, ends)


def test_tls_the_certificate_of_another_host_is_told_with_its_date(authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=9)
    result = look(authority.issue_cert("elsewhere.test", not_after=ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_WRONG_HOST, ends)


def test_tls_the_certificate_of_another_address_is_told(authority: trustme.CA) -> None:
    assert look(authority.issue_cert("127.0.0.2"), host="127.0.0.1").reason is ProbeReason.CERTIFICATE_WRONG_HOST


def test_tls_an_unknown_authority_is_told_with_the_date(authority: trustme.CA) -> None:
    ends = NOW + timedelta(days=9)
    result = look(trustme.CA().issue_cert("localhost", not_after=ends))
    assert (result.reason, result.certificate_expires_at) == (ProbeReason.CERTIFICATE_UNTRUSTED, ends)


def test_tls_a_server_without_tls_is_told(web: "Web") -> None:
    assert tls.check(tls_probe(web.server_address[1])).reason is ProbeReason.TLS_FAILED


def test_tls_nobody_listening_is_refused() -> None:
    assert tls.check(tls_probe(free_port())).reason is ProbeReason.REFUSED


def test_tls_a_server_that_never_shakes_hands_is_a_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert tls.check(tls_probe(silent.getsockname()[1], timeout=SHORT)).reason is ProbeReason.TIMEOUT


def test_tls_a_server_that_goes_away_after_its_bad_certificate_leaves_the_date_unknown() -> None:
    assert tls.refused_expiry("localhost", free_port(), Deadline(5)) is None


# DNS


def test_dns_a_name_with_an_address_resolves(names: "Names") -> None:
    result = dns.check(dns_probe("up.test", names.address))
    assert (result.reason, result.detail) == (ProbeReason.OK, "up.test is 192.0.2.7")
    assert result.latency > 0


def test_dns_a_name_with_only_an_ipv6_address_resolves(names: "Names") -> None:
    assert dns.check(dns_probe("six.test", names.address)).detail == "six.test is 2001:db8::7"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unknown.test", ProbeReason.UNKNOWN_NAME),
        ("empty.test", ProbeReason.NO_ADDRESS),
        ("fail.test", ProbeReason.SERVER_FAILURE),
        ("slow.test", ProbeReason.TIMEOUT),
        ("x..test", ProbeReason.BAD_ANSWER),
    ],
)
def test_dns_a_name_that_does_not_resolve_says_why(names: "Names", name: str, reason: ProbeReason) -> None:
    result = dns.check(dns_probe(name, names.address, timeout=SHORT))
    assert (result.reason, result.detail) == (reason, f"{reason.replace('_', ' ')}: {name}")


def test_dns_a_server_nobody_can_reach_is_told() -> None:
    """An address from the block that no route leads to, and that the system refuses to send to."""
    assert dns.check(dns_probe("up.test", ("255.255.255.255", 53))).reason is ProbeReason.UNREACHABLE


def test_dns_uses_the_servers_of_the_machine_when_none_is_given() -> None:
    result = dns.check(dns_probe("nowhere.invalid", ("", 0), resolver=None, timeout=SHORT))
    assert not result.ok


# TCP


def test_tcp_an_open_port_accepts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = tcp.check(tcp_probe(port))
    assert (result.ok, result.detail) == (True, f"localhost:{port} accepts")


def test_tcp_a_closed_port_refuses() -> None:
    port = free_port()
    assert tcp.check(tcp_probe(port, host="127.0.0.1")).detail == f"refused: 127.0.0.1:{port}"


def test_tcp_an_unknown_host_is_told() -> None:
    assert tcp.check(tcp_probe(80, host="nowhere.invalid")).reason is ProbeReason.UNKNOWN_NAME


@contextmanager
def swallowing(address: str, port: int = 0) -> Iterator[int]:
    """A port that neither accepts nor refuses, because nobody takes the connections that wait there."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as full, socket.socket(family) as first, socket.socket(family) as second:
        full.bind((address, port))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)  # noqa: FBT003 - positional only
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def test_tcp_a_port_that_swallows_is_a_timeout() -> None:
    with swallowing("127.0.0.1") as port:
        assert tcp.check(tcp_probe(port, host="127.0.0.1", timeout=SHORT)).reason is ProbeReason.TIMEOUT


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Every name has these addresses, in this order."""
    look_up = socket.getaddrinfo

    def several(_: str, port: int, **options: Any) -> list[Any]:
        return [found for address in addresses for found in look_up(address, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", several)


def test_tcp_an_address_that_swallows_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as good, swallowing("127.0.0.2", good.getsockname()[1]) as port:
        assert tcp.check(tcp_probe(port, host="two.test", timeout=timedelta(seconds=1))).ok


def test_tcp_when_no_address_accepts_the_last_one_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.2", "127.0.0.1")
    with swallowing("127.0.0.2") as port:
        assert tcp.check(tcp_probe(port, host="two.test", timeout=SHORT)).reason is ProbeReason.REFUSED


def test_tcp_a_name_without_an_address_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch)
    assert tcp.check(tcp_probe(80, host="none.test")).reason is ProbeReason.UNREACHABLE


def test_a_deadline_that_is_over_ends_the_next_step() -> None:
    with pytest.raises(TimeoutError, match="no answer within 0 s"):
        dial("127.0.0.1", free_port(), Deadline(0))


# All at once


def test_all_kinds_at_once_are_checked_by_kind(web: "Web", names: "Names", authority: trustme.CA) -> None:
    server = Secure(server_context(authority.issue_cert("localhost")))
    with serving(server):
        port = web.server_address[1]
        probes: list[Probe] = [
            http_probe(web.url()),
            tls_probe(server.port),
            dns_probe("up.test", names.address),
            tcp_probe(port),
        ]
        results = runner.run(probes)
    assert {name: result.reason for name, result in results.items()} == dict.fromkeys(
        ("site", "cert", "name", "port"), "ok"
    )


def test_a_probe_that_hangs_delays_none_of_the_others(web: "Web") -> None:
    """The two that hang are let go only by the last one, which must be checked while they hang."""
    everyone = threading.Barrier(3)

    def last(handler: "Handler") -> None:
        everyone.wait()
        handler.reply(200)

    web.routes |= {"/hang": lambda handler: everyone.wait(), "/last": last}
    probes = [http_probe(web.url("/hang"), name="hang"), http_probe(web.url("/hang"), name="hang-too")]
    results = runner.run([*probes, http_probe(web.url("/last"), name="last")])
    assert results["last"].ok
    assert results["hang"].reason is ProbeReason.CLOSED_EARLY


def test_a_probe_that_never_comes_back_is_a_timeout_and_one_never_started_says_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over = threading.Event()

    def stuck(probe: object) -> ProbeResult:
        over.wait()
        return ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.0, detail="")

    monkeypatch.setattr(runner, "GRACE", 0.05)
    probes = [tcp_probe(1, name=name, timeout=timedelta(milliseconds=50)) for name in ("first", "second")]
    results = runner.run(probes, check=stuck, threads=1)
    over.set()
    assert {name: result.reason for name, result in results.items()} == {"first": ProbeReason.TIMEOUT}
    assert "not started in time: 1" in caplog.text


def test_at_most_so_many_probes_run_at_the_same_time() -> None:
    running, most, lock = 0, 0, threading.Lock()

    def count(probe: object) -> ProbeResult:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1
        return ProbeResult(ok=True, reason=ProbeReason.OK, latency=0.0, detail="")

    results = runner.run([tcp_probe(1, name=str(number)) for number in range(20)], check=count, threads=3)
    assert (len(results), most <= 3) == (20, True)


def test_no_probes_are_no_results() -> None:
    assert runner.run([]) == {}


def test_a_mistake_in_a_probe_is_a_result_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    result = runner.check(tcp_probe(80, host="x" * 70 + ".test"))
    assert result.reason is ProbeReason.PROBE_BROKEN
    assert result.detail.startswith("the probe itself failed: Unicode")
    assert "probe failed unexpectedly: Unicode" in caplog.text
