"""Probes of gRPC, WebSocket and mail servers, and of APIs with a token, against real servers."""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import trustme
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from websockets.sync.server import ServerConnection, serve

from core.health import ProbeReason
from core.settings import Address, parse
from core.settings.channels import Encryption
from core.settings.probes import (
    ExpectText,
    GkeProbe,
    GrpcProbe,
    SmtpProbe,
    VertexProbe,
    WebsocketProbe,
)
from functions.adapters.identity import Tokens
from functions.adapters.probes import gke, http, smtp, vertex, websocket
from functions.adapters.probes import grpc as grpc_probe
from tests.support.servers.smtp import MailServer
from tests.support.servers.targets import ON_HERE, TOKEN, Web, free_port, http_probe, server_context

if TYPE_CHECKING:
    from tests.support.servers.targets import Handler

pytest_plugins = ["tests.support.servers.target_fixtures"]
SHORT, PATIENT = timedelta(seconds=0.5), timedelta(seconds=30)
# This machine by another name than those of a loopback, as far as a probe can tell: there a token is sent.
HERE = "0.0.0.0"


# gRPC


class Health:
    """A gRPC server with the standard health service."""

    def __init__(self, certificate: trustme.LeafCert | None = None) -> None:
        self.servicer = HealthServicer()
        self.server = grpc.server(ThreadPoolExecutor(2))
        add_HealthServicer_to_server(self.servicer, self.server)
        if certificate is None:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        else:
            chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
            credentials = grpc.ssl_server_credentials([(certificate.private_key_pem.bytes(), chain)])
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        self.server.start()

    def probe(self, **changes: Any) -> GrpcProbe:
        return grpc_of(self.port, **changes)


def grpc_of(port: int, **changes: Any) -> GrpcProbe:
    address = Address(host="localhost", port=port)
    return replace(GrpcProbe(name="rpc", address=address, tls=False, **ON_HERE), **changes)


@pytest.fixture
def health() -> Iterator[Health]:
    made = Health()
    yield made
    made.server.stop(None)


def test_grpc_a_server_that_serves_is_up(health: Health) -> None:
    result = grpc_probe.check(health.probe())
    assert (result.ok, result.detail) == (True, f"localhost:{health.port} serves")


def test_grpc_a_service_is_asked_for_by_its_name(health: Health) -> None:
    health.servicer.set("shop.Orders", HealthCheckResponse.NOT_SERVING)
    down = grpc_probe.check(health.probe(service="shop.Orders"))
    assert (down.reason, down.detail) == (ProbeReason.NOT_SERVING, f"not serving: localhost:{health.port}: NOT_SERVING")
    health.servicer.set("shop.Orders", HealthCheckResponse.SERVING)
    assert grpc_probe.check(health.probe(service="shop.Orders")).ok
    assert grpc_probe.check(health.probe(service="unknown")).reason is ProbeReason.NOT_SERVING


def test_grpc_over_tls_trusts_the_authority_of_the_settings_for_the_host_of_the_address() -> None:
    authority = trustme.CA()
    made = Health(authority.issue_cert("localhost"))
    ca = authority.cert_pem.bytes().decode()
    another = trustme.CA().cert_pem.bytes().decode()
    elsewhere = Address(host="127.0.0.1", port=made.port)
    probes = [
        made.probe(tls=True, ca=ca),
        made.probe(tls=True, ca=another),
        made.probe(tls=True, ca=ca, address=elsewhere),
    ]
    reasons = [grpc_probe.check(probe).reason for probe in probes]
    made.server.stop(None)
    assert reasons == ["ok", "tls_failed", "tls_failed"]


def test_grpc_what_is_none_or_hangs_is_told(web: Web) -> None:
    assert grpc_probe.check(grpc_of(free_port())).reason is ProbeReason.REFUSED
    assert not grpc_probe.check(grpc_of(web.server_address[1], timeout=SHORT)).ok
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = grpc_probe.check(grpc_of(silent.getsockname()[1], timeout=SHORT))
    assert result.reason is ProbeReason.TIMEOUT


# WebSocket


@pytest.fixture
def sockets() -> Iterator[dict[str, Any]]:
    """A server whose `answer` decides what becomes of a connection."""
    world: dict[str, Any] = {"answer": lambda connection: [connection.send(f"got {text}") for text in connection]}

    def handle(connection: ServerConnection) -> None:
        world["answer"](connection)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        world["port"] = server.socket.getsockname()[1]
        yield world
        server.shutdown()
        thread.join()


def websocket_of(port: int, scheme: str = "ws", **changes: Any) -> WebsocketProbe:
    probe = WebsocketProbe(name="live", url=f"{scheme}://localhost:{port}/v1?token=hush", **ON_HERE)
    return replace(probe, **changes)


def test_websocket_one_that_opens_and_answers_a_ping_is_up(sockets: dict[str, Any]) -> None:
    result = websocket.check(websocket_of(sockets["port"]))
    assert (result.ok, result.detail) == (True, f"ws://localhost:{sockets['port']}/v1 answers")


def test_websocket_the_answer_to_a_message_must_have_the_text(sockets: dict[str, Any]) -> None:
    expect = ExpectText(text="got news")
    asked = [websocket_of(sockets["port"], send=send, expect=expect) for send in ("news", "hush")]
    results = [websocket.check(probe) for probe in asked]
    assert [result.reason for result in results] == ["ok", "wrong_body"]
    assert "hush" not in repr(results)


def test_websocket_one_that_closes_refuses_or_hangs_is_told(sockets: dict[str, Any], web: Web) -> None:
    sockets["answer"] = lambda connection: connection.close()
    expect = ExpectText(text="x")
    assert websocket.check(websocket_of(sockets["port"], expect=expect)).reason is ProbeReason.CLOSED_EARLY
    web.routes["/v1"] = lambda handler: handler.wfile.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
    refused = websocket.check(websocket_of(web.server_address[1]))
    assert (refused.reason, refused.detail.endswith("HTTP 503")) == (ProbeReason.WRONG_STATUS, True)
    web.routes["/v1"] = lambda handler: handler.drip(b"HTTP/1.1 101 Switching\r\nX: ", b"y")
    assert websocket.check(websocket_of(web.server_address[1], timeout=SHORT)).reason is ProbeReason.TIMEOUT
    web.routes["/v1"] = lambda handler: None
    assert websocket.check(websocket_of(web.server_address[1])).reason is ProbeReason.CLOSED_EARLY


def test_websocket_over_tls_wants_a_trusted_certificate(authority: trustme.CA) -> None:
    for issuer, reason in ((authority, "ok"), (trustme.CA(), "certificate_untrusted")):
        context = server_context(issuer.issue_cert("localhost"))
        with serve(lambda connection: connection.recv(), "127.0.0.1", 0, ssl=context) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            result = websocket.check(websocket_of(server.socket.getsockname()[1], scheme="wss", timeout=PATIENT))
            server.shutdown()
            thread.join()
        assert result.reason == reason


# Mail


def smtp_of(port: int, encryption: Encryption, **changes: Any) -> SmtpProbe:
    return replace(SmtpProbe(name="mail", host="localhost", port=port, encryption=encryption, **ON_HERE), **changes)


@pytest.mark.parametrize("encryption", [Encryption.TLS, Encryption.STARTTLS])
def test_smtp_a_server_over_tls_is_up_and_shows_when_its_certificate_expires(
    authority: trustme.CA, encryption: Encryption
) -> None:
    context = server_context(authority.issue_cert("localhost"))
    with MailServer(context=context, at_once=encryption is Encryption.TLS) as server:
        result = smtp.check(smtp_of(server.port, encryption))
    assert (result.ok, result.certificate_expires_at is not None) == (True, True)
    assert server.letters == []


def test_smtp_what_is_not_trusted_not_encrypted_busy_or_silent_is_told(authority: trustme.CA) -> None:
    with MailServer(context=server_context(trustme.CA().issue_cert("localhost"))) as server:
        assert smtp.check(smtp_of(server.port, Encryption.STARTTLS)).reason is ProbeReason.CERTIFICATE_UNTRUSTED
    with MailServer() as server:
        assert smtp.check(smtp_of(server.port, Encryption.NONE)).ok
        assert smtp.check(smtp_of(server.port, Encryption.STARTTLS)).reason is ProbeReason.TLS_FAILED
    with socket.create_server(("127.0.0.1", 0)) as silent:
        result = smtp.check(smtp_of(silent.getsockname()[1], Encryption.STARTTLS, timeout=SHORT))
        assert result.reason is ProbeReason.TIMEOUT
        silent.accept()[0].close()
        with ThreadPoolExecutor(1) as pool:
            busy = pool.submit(smtp.check, smtp_of(silent.getsockname()[1], Encryption.STARTTLS))
            with silent.accept()[0] as taken:
                taken.sendall(b"421 try later\r\n")
                assert (busy.result().reason, busy.result().detail[-8:]) == (ProbeReason.NOT_SERVING, "SMTP 421")
    assert smtp.check(smtp_of(free_port(), Encryption.TLS)).reason is ProbeReason.REFUSED


# APIs with a token


@pytest.fixture
def api(web: Web, authority: trustme.CA) -> Web:
    web.secure(authority.issue_cert(HERE))
    return web


def there(web: Web) -> str:
    return f"https://{HERE}:{web.server_address[1]}"


ENDPOINT = "projects/p/locations/europe-west1/endpoints/77"


def vertex_of(web: Web, **changes: Any) -> VertexProbe:
    return replace(
        VertexProbe(name="model", endpoint=ENDPOINT, instances=({"x": 1}, {"x": 2}), url=there(web), **ON_HERE),
        **changes,
    )


def test_vertex_an_endpoint_must_predict_each_instance(api: Web, account: Web) -> None:
    asked: list[Any] = []

    def predict(handler: "Handler") -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        asked.append((handler.headers["Authorization"], body))
        handler.reply(200, json.dumps({"predictions": [0.5] * len(body["instances"])}).encode())

    api.posts[f"/v1/{ENDPOINT}:predict"] = predict
    result = vertex.check(vertex_of(api), Tokens())
    assert (result.ok, result.detail) == (True, "2 predictions")
    assert asked == [(f"Bearer {TOKEN}", {"instances": [{"x": 1}, {"x": 2}]})]


@pytest.mark.parametrize(
    ("answer", "reason", "detail"),
    [
        ((200, b'{"predictions": [1]}'), "wrong_body", "predictions: must be 2, got 1"),
        ((200, b'{"predictions": "ab"}'), "wrong_body", "predictions: must be 2, got no such list"),
        ((200, b"[" * 60_000), "wrong_body", "predictions: must be 2, got no such list"),
        ((200, b"fine"), "wrong_body", "predictions: must be 2, got no such list"),
        ((503, b'{"error": {}}'), "wrong_status", "status: must be 200 to 299, got 503"),
    ],
)
def test_vertex_an_endpoint_that_does_not_is_told(
    api: Web, account: Web, answer: tuple[int, bytes], reason: str, detail: str
) -> None:
    api.posts[f"/v1/{ENDPOINT}:predict"] = lambda handler: handler.reply(*answer)
    result = vertex.check(vertex_of(api), Tokens())
    assert (result.reason, result.detail) == (reason, detail)


def test_vertex_is_asked_where_the_endpoint_is() -> None:
    probe = VertexProbe(name="model", endpoint=ENDPOINT, instances=(1,), **ON_HERE)
    assert probe.api == f"https://europe-west1-aiplatform.googleapis.com/v1/{ENDPOINT}:predict"


def gke_of(web: Web, authority: trustme.CA, **changes: Any) -> GkeProbe:
    pem = authority.cert_pem.bytes()
    settings = {"name": "cluster", "kind": "gke", "every": "1m", "url": there(web), "allowed_networks": ["0.0.0.0/32"]}
    settings["ca"] = base64.b64encode(pem).decode()
    [probe] = parse({"version": 1, "jobs": {}, "probes": [settings]}).probes
    assert isinstance(probe, GkeProbe)
    return replace(probe, **changes)


def test_gke_a_cluster_must_be_live_and_ready(api: Web, account: Web, authority: trustme.CA) -> None:
    for path in ("/livez", "/readyz"):
        api.routes[path] = lambda handler: handler.reply(200, b"[+]ping ok\nok")
    probe, tokens = gke_of(api, authority), Tokens()
    result = gke.check(probe, tokens)
    assert (result.ok, result.detail) == (True, "/readyz: HTTP 200")
    assert [headers["Authorization"] for _, headers in api.asked] == [f"Bearer {TOKEN}"] * 2
    assert len(account.asked) == 1
    api.routes["/readyz"] = lambda handler: handler.reply(500, b"[+]ping ok\n[-]etcd failed: reason withheld\nfailed")
    unready = gke.check(probe, tokens)
    assert (unready.reason, unready.detail) == ("not_serving", "/readyz: HTTP 500, failed checks: etcd")
    api.routes["/livez"] = lambda handler: handler.reply(401)
    assert gke.check(probe, tokens).reason is ProbeReason.NOT_AUTHENTICATED


def test_gke_another_authority_is_not_trusted_with_the_token(api: Web, account: Web, authority: trustme.CA) -> None:
    result = gke.check(gke_of(api, trustme.CA()), Tokens())
    assert result.reason is ProbeReason.CERTIFICATE_UNTRUSTED
    assert not api.asked


def test_without_a_token_nothing_is_requested(api: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{free_port()}")
    result = vertex.check(vertex_of(api), Tokens())
    assert (result.reason, api.asked) == (ProbeReason.NO_TOKEN, [])


def test_what_has_no_time_left_for_its_request_is_a_timeout_and_no_want_of_a_token(api: Web) -> None:
    gone = timedelta(microseconds=1)
    results = [
        http.check(http_probe(api.url(), timeout=gone)),
        vertex.check(vertex_of(api, url=api.url(), timeout=gone)),
    ]
    assert [result.reason for result in results] == [ProbeReason.TIMEOUT] * 2
    assert api.asked == []
