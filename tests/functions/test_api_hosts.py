"""Pages of other sites: what they make a reader's browser ask of the API and of the intake is refused."""

from pathlib import Path

import pytest
from werkzeug.test import Client

from functions.adapters.stores import open_store
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.intake import World, payload

HALT = {"by": "Ada", "action": "*"}


@pytest.fixture
def office(tmp_path: Path) -> ApiFixture:
    return ApiFixture(open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test"), obeys=False)


@pytest.fixture
def client(office: ApiFixture) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, FakeClock())).test_client()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 421),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}, 202),
    ],
)
def test_a_halt_that_a_page_of_another_site_asks_for_is_refused(
    client: Client, office: ApiFixture, headers: dict[str, str], status: int
) -> None:
    response = client.post("/v1/automation/halt", json=HALT, headers=headers)
    assert response.status_code == status
    assert len(office.published) == (status == 202)
    assert status == 202 or next(iter(headers)) in (response.json or {})["detail"] or "Host" in headers


@pytest.mark.parametrize("path", ["/", "/v1/incidents", "/v1/me", "/assets/app.js", "/health"])
def test_nothing_is_shown_to_a_page_whose_name_resolves_to_this_machine(client: Client, path: str) -> None:
    assert client.get(path, headers={"Host": "evil.example"}).status_code == 421
    assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize(
    ("variable", "host", "status"),
    [
        (("AIA_API_URL", "https://alerts.example.com/x"), "alerts.example.com", 200),
        (("AIA_API_URL", "https://[nonsense"), "alerts.example.com", 421),
        (("AIA_HOSTS", "a.example, Alerts.example.com"), "alerts.example.com:443", 200),
        (("AIA_HOSTS", ","), "", 421),
        (("K_SERVICE", "api"), "api-1234.europe-west1.run.app", 200),
        (("K_SERVICE", "api"), "alerts.example.com", 421),
    ],
)
def test_the_names_of_the_api_are_those_of_the_environment(
    client: Client, monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str], host: str, status: int
) -> None:
    monkeypatch.delenv("AIA_API_URL", raising=False)
    assert client.get("/health", headers={"Host": host}).status_code == 421
    monkeypatch.setenv(*variable)
    assert client.get("/health", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Host": "evil.example"}, 421),
        ({}, 200),
    ],
)
def test_a_page_of_another_site_cannot_post_alerts_whatever_they_are_called(
    headers: dict[str, str], status: int
) -> None:
    world = World()
    told = {"Content-Type": "text/plain"} | headers
    assert world.send(payload("alertmanager_v4_oncall_example.json"), **told).status_code == status
    assert bool(world.bus.events) == (status == 200)
    assert not world.park.letters
