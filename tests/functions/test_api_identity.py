"""Who acts: the person whose assertion Identity-Aware Proxy signed, and nobody who only says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.test import Client

from core.settings import Settings
from core.settings.access import Access
from functions.adapters.stores import open_store
from functions.api.main import build
from functions.runtime.iap import HEADER, Iap, open_iap
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.ports import MemoryPorts
from tests.support.fakes.recorders import RecordingMetrics
from tests.support.servers.answering import answering
from tests.support.servers.iap import AUDIENCE, Proxy, proxy
from tests.support.web.over_asgi import OverAsgi

GRACE = "Grace@example.com"
CLAIMED = {"X-Goog-Authenticated-User-Email": "accounts.google.com:mallory@example.com"}


@pytest.fixture(scope="module")
def iap() -> Iterator[Proxy]:
    with proxy() as running:
        yield running


@pytest.fixture
def office(tmp_path: Path) -> ApiFixture:
    return ApiFixture(open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test"), obeys=False)


def client_of(office: ApiFixture, iap: Iap | None) -> Client:
    made = pages.services(office.store, Rows(), office, FakeClock())
    return pages.application(made, iap.person if iap else None).test_client()


def halt(client: Client, headers: dict[str, str], **more: str) -> int:
    return client.post("/v1/automation/halt", json={"action": "*", **more}, headers=headers).status_code


def test_the_person_of_a_signed_assertion_acts_whatever_else_is_claimed(office: ApiFixture, iap: Proxy) -> None:
    client = client_of(office, iap.iap)
    assert halt(client, iap.headers(GRACE) | CLAIMED, by="Mallory") == 202
    assert [command.by for _, command, _ in office.published] == ["grace@example.com"]
    assert (client.get("/v1/me", headers=iap.headers(GRACE)).json or {})["by"] == "grace@example.com"
    assert len(iap.server.requests) == 1, "the keys are fetched once"


def test_a_claim_that_nobody_signed_names_nobody(office: ApiFixture) -> None:
    client = client_of(office, None)
    assert halt(client, CLAIMED) == 400
    assert halt(client, CLAIMED, by="Ada") == 202
    assert [command.by for _, command, _ in office.published] == ["Ada"]
    assert (client.get("/v1/me", headers=CLAIMED).json or {})["by"] == ""


@pytest.mark.parametrize("path", ["/", "/v1/me", "/v1/incidents", "/assets/app.js"])
def test_nobody_reads_without_an_assertion_but_a_probe(office: ApiFixture, iap: Proxy, path: str) -> None:
    client = client_of(office, iap.iap)
    assert client.get(path, headers=CLAIMED).status_code == 401
    assert client.get(path, headers=iap.headers(GRACE)).status_code == 200
    assert client.get("/health").status_code == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "/projects/123/global/backendServices/457"},
        {"iss": "https://accounts.google.com"},
        {"exp": 1_700_000_000, "iat": 1_699_999_400},
        {"iat": 4_000_000_000, "exp": 4_000_000_600},
        {"email": ""},
        {"email": None},
        {"email": "a" * 255},
        {"email": "a\nb@example.com"},
        {"email": ["grace@example.com"]},
    ],
)
def test_an_assertion_of_another_service_time_or_shape_is_refused(
    office: ApiFixture, iap: Proxy, claims: dict[str, Any]
) -> None:
    assert halt(client_of(office, iap.iap), iap.headers(GRACE, **claims)) == 401
    assert office.published == []


def test_an_assertion_that_another_key_or_nobody_signed_is_refused(office: ApiFixture, iap: Proxy) -> None:
    client = client_of(office, iap.iap)
    good = iap.headers(GRACE)[HEADER]
    head, claims, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ"  # {"alg":"none","kid":"k1"}
    symmetric = "eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0"  # {"alg":"HS256","kid":"k1"}
    forged = ["", "x", f"{head}.{claims}.", f"{unsigned}.{claims}.", f"{symmetric}.{claims}.{signature}", good[:-4]]
    forged += [f"{head}.{claims}.{signature}.x", "a" * 100_000]
    assert {halt(client, {HEADER: one}) for one in forged} == {401}
    assert halt(client, iap.headers(GRACE, key=ec.generate_private_key(ec.SECP256R1()))) == 401
    assert office.published == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"no"])
@pytest.mark.parametrize("status", [200, 503])
def test_without_its_keys_nobody_acts(office: ApiFixture, iap: Proxy, status: int, body: bytes) -> None:
    with answering(status, body) as server:
        client = client_of(office, Iap(audience=AUDIENCE, keys=server.url))
        assert halt(client, iap.headers(GRACE)) in ({503} if status == 503 else {401, 503})
    assert office.published == []


def test_it_stands_before_the_service_where_the_environment_says_so() -> None:
    assert open_iap({}) is None
    opened = open_iap({"AIA_IAP_AUDIENCE": AUDIENCE})
    assert opened is not None
    assert opened.audience == AUDIENCE


@pytest.mark.parametrize(
    ("person", "status"), [("ada@example.com", 415), ("bob@example.com", 403), ("mallory@evil.example", 403)]
)
def test_as_composed_the_settings_say_which_role_a_signed_in_person_has(iap: Proxy, person: str, status: int) -> None:
    access = Access(responders=("*@example.com",), operators=("ada@example.com",))
    ports = MemoryPorts(function="api", metrics=RecordingMetrics(), settings=Settings(jobs={}, access=access))
    client = OverAsgi(build(ports, iap.iap)).test_client()  # type: ignore[arg-type] # the twin of `Ports`
    headers = iap.headers(person) | {"Content-Type": "text/plain"}
    assert client.post("/v1/automation/halt", data=b"{}", headers=headers).status_code == status


def test_as_composed_nobody_is_answered_without_an_assertion(iap: Proxy) -> None:
    application = build(MemoryPorts(function="api", metrics=RecordingMetrics()), iap.iap)  # type: ignore[arg-type] # as above
    client = OverAsgi(application).test_client()
    assert client.post("/v1/automation/halt", data=b"{}", headers=CLAIMED).status_code == 401
