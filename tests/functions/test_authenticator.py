"""Who is let in: senders who know the token, and Pub/Sub by a token that Google signed."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from google.auth import jwt
from google.auth.crypt import RSASigner

from core.errors import SettingsError
from functions.runtime.authenticator import Authenticator, PushIdentity, open_authenticator
from tests.support.fakes.intake import World, payload, push

TOKEN = "a-token-é"
AUDIENCE = "https://alert-intake.example.run.app"
ACCOUNT = "push@aia-test.iam.gserviceaccount.com"
BODY = payload("formatted_webhook_oncall.json")


class Google:
    """Signs tokens, and serves the certificate of its key."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.asked = 0
        self.status = 200
        google = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                google.asked += 1
                body = json.dumps({"k1": google.certificate()}).encode()
                self.send_response(google.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/certs"

    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = datetime.now(UTC)
        built = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number())
        built = built.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        return built.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()

    def token(self, key: rsa.RSAPrivateKey | None = None, **claims: Any) -> str:
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
        pem = (key or self.key).private_bytes(encoding, form, serialization.NoEncryption())
        now = int(datetime.now(UTC).timestamp())
        told = {"iss": "https://accounts.google.com", "aud": AUDIENCE, "email": ACCOUNT, "email_verified": True}
        told |= {"iat": now - 60, "exp": now + 3000, "sub": "1"}
        sign: Any = RSASigner
        encode: Callable[..., bytes] = jwt.encode
        return encode(sign.from_string(pem.decode(), "k1"), told | claims).decode()

    def identity(self) -> PushIdentity:
        return PushIdentity(audience=AUDIENCE, account=ACCOUNT, certificates=self.url)


@pytest.fixture(scope="module")
def one_google() -> Iterator[Google]:
    google = Google()
    yield google
    google.server.shutdown()
    google.server.server_close()


@pytest.fixture
def google(one_google: Google) -> Google:
    one_google.asked, one_google.status = 0, 200
    return one_google


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def wire(value: str) -> str:
    """A header as WSGI gives it: the bytes of the network as Latin-1."""
    return value.encode().decode("latin-1")


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {TOKEN}",
        f"bearer  {TOKEN} ",
        basic("prometheus", TOKEN),
        basic("", TOKEN),
        basic("a", TOKEN).lower()[:6] + basic("a", TOKEN)[6:],
    ],
)
def test_a_webhook_with_the_token_is_taken(header: str) -> None:
    world = World(authenticator=Authenticator(token=TOKEN))
    assert world.send(BODY, "/generic", Authorization=wire(header)).status_code == 200
    assert len(world.findings()) == 1


@pytest.mark.parametrize(
    "header",
    [
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        basic(TOKEN, ""),
        basic("a", "b"),
        "Basic %%%",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        f"Digest {TOKEN}",
        "Bearer a.b.c",
    ],
)
@pytest.mark.parametrize("path", ["/", "/alertmanager"])
def test_a_request_without_the_token_is_refused_and_leaves_nothing(header: str, path: str) -> None:
    world = World(authenticator=Authenticator(token=TOKEN))
    answer = world.send(BODY, path, Authorization=wire(header))
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert (world.bus.events, world.park.letters) == ([], [])
    assert world.metrics.values == {("aia_function_requests_total", "alert_intake", "refused"): 1}
    assert world.send(push(BODY), path, Authorization=wire(header)).status_code == 401


def test_without_credentials_configured_every_request_is_accepted() -> None:
    world = World()
    assert world.send(BODY, "/generic").status_code == 200
    assert world.send(push(BODY)).status_code == 204


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(Authenticator(token=TOKEN))


def test_a_push_with_a_token_of_google_is_taken_and_its_certificates_are_asked_for_once(google: Google) -> None:
    world = World(authenticator=Authenticator(token=TOKEN, push=google.identity()))
    for _ in range(3):
        assert world.send(push(BODY), Authorization=f"Bearer {google.token()}").status_code == 204
    assert len(world.findings()) == 3
    assert google.asked == 1
    assert world.send(BODY, "/generic", Authorization=wire(f"Bearer {TOKEN}")).status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://other.example"},
        {"email": "somebody@else.iam.gserviceaccount.com"},
        {"email_verified": False},
        {"email": None},
        {"iss": "https://accounts.example.com"},
        {"exp": 1_500_000_000, "iat": 1_499_990_000},
        {"iat": 4_000_000_000, "exp": 4_000_003_000},
    ],
)
def test_a_token_for_others_or_by_others_or_expired_is_refused(google: Google, claims: dict[str, Any]) -> None:
    world = World(authenticator=Authenticator(push=google.identity()))
    assert world.send(push(BODY), Authorization=f"Bearer {google.token(**claims)}").status_code == 401
    assert world.bus.events == []


def test_a_token_that_another_key_signed_is_refused(google: Google) -> None:
    world = World(authenticator=Authenticator(push=google.identity()))
    forged = google.token(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    header, claims, signature = google.token().split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg": "none", "kid": "k1"}').decode().rstrip("=")
    odd = base64.urlsafe_b64encode(b"[1]").decode().rstrip("=")
    for token in (
        forged,
        f"{header}.{claims}.",
        f"{unsigned}.{claims}.",
        f"{odd}.{odd}.{signature}",
        "..",
        "a.b.c",
        "é.é.é",
    ):
        assert world.send(push(BODY), Authorization=wire(f"Bearer {token}")).status_code == 401
    assert world.bus.events == []


def test_the_token_of_pubsub_is_accepted_only_for_pushes(google: Google) -> None:
    world = World(authenticator=Authenticator(token=TOKEN, push=google.identity()))
    assert world.send(BODY, "/generic", Authorization=f"Bearer {google.token()}").status_code == 401


def test_where_only_pubsub_must_prove_itself_nobody_else_comes_in(google: Google) -> None:
    world = World(authenticator=Authenticator(push=google.identity()))
    assert world.send(BODY, "/generic").status_code == 401
    assert world.send(BODY, "/generic", Authorization="Bearer ").status_code == 401
    assert world.send(BODY, "/generic", Authorization=basic("a", "")).status_code == 401


def test_a_push_comes_again_while_the_certificates_cannot_be_had(google: Google) -> None:
    google.status = 500
    world = World(authenticator=Authenticator(push=google.identity()))
    assert world.send(push(BODY), Authorization=f"Bearer {google.token()}").status_code == 503
    google.status = 200
    assert world.send(push(BODY), Authorization=f"Bearer {google.token()}").status_code == 204
    gone = PushIdentity(audience=AUDIENCE, account=ACCOUNT, certificates="http://127.0.0.1:9/certs")
    assert (
        World(authenticator=Authenticator(push=gone))
        .send(push(BODY), Authorization=f"Bearer {google.token()}")
        .status_code
        == 503
    )


def test_the_authenticator_is_as_the_environment_says() -> None:
    asked = {"AIA_INTAKE_TOKEN": TOKEN, "AIA_PUSH_AUDIENCE": AUDIENCE, "AIA_PUSH_ACCOUNT": ACCOUNT}
    authenticator = open_authenticator(asked, token="AIA_INTAKE_TOKEN")
    assert authenticator.token == TOKEN
    assert authenticator.push is not None
    assert (authenticator.push.audience, authenticator.push.account) == (AUDIENCE, ACCOUNT)
    assert open_authenticator({"AIA_INTAKE_TOKEN": TOKEN}, token="AIA_INTAKE_TOKEN").push is None


def test_without_authentication_the_log_warns(caplog: pytest.LogCaptureFixture) -> None:
    open_authenticator({"AIA_INTAKE_TOKEN": TOKEN}, token="AIA_INTAKE_TOKEN")
    assert caplog.messages == []
    assert open_authenticator({}, token="AIA_INTAKE_TOKEN") == Authenticator()
    assert caplog.messages == [
        "requests are not authenticated: neither AIA_INTAKE_TOKEN nor AIA_PUSH_AUDIENCE is given"
    ]


def test_an_audience_without_an_account_is_a_fault_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="AIA_PUSH_ACCOUNT: must be given where AIA_PUSH_AUDIENCE is, got ''"):
        open_authenticator({"AIA_PUSH_AUDIENCE": AUDIENCE}, token="AIA_INTAKE_TOKEN")


def test_who_is_refused_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    assert World(authenticator=Authenticator(token=TOKEN)).send(BODY, "/generic").status_code == 401
    assert caplog.messages == ["refused: no valid credentials"]
