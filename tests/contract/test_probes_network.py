"""Probes of TLS, DNS and TCP against real servers, and all probes of a tick together."""

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
from functions.adapters.net import Deadline, anywhere, dial
from functions.adapters.probes import dns, tcp, tls
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

SHORT = timedelta(seconds=0.3)
NOW = datetime.now(UTC).replace(microsecond=0)


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
    assert tls.refused_expiry("localhost", free_port(), Deadline(5), anywhere) is None


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
    reasons = {name: result.reason for name, result in results.items()}
    assert reasons == {"first": ProbeReason.TIMEOUT, "second": ProbeReason.NOT_STARTED}
    assert [results[name].is_known for name in ("first", "second")] == [True, False]
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
