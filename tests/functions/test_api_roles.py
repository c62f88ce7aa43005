"""Every endpoint for every role, from the table of routes: who may act, who is told why not, and that all may read."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import Client

from core.access import Role, role_of
from core.settings.access import Access
from functions.adapters.stores import open_store
from functions.api import asgi
from functions.api.routes import ENDPOINTS, Endpoint
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock

OPEN = {"experience", "answer_survey"}
"""What acts for nobody: reports of browsers, and surveys, whose links are signed."""
ACTS = {one.name: one for one in ENDPOINTS if one.method != "GET"}
READS = {one.name: one for one in ENDPOINTS if one.method == "GET"}
ACCESS = Access(
    responders=("*@example.com",), operators=("ops-*@example.com", "Grace@example.com"), admins=("ada@example.com",)
)


@pytest.fixture
def office(tmp_path: Path) -> ApiFixture:
    return ApiFixture(open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test"), obeys=False)


def client_of(office: ApiFixture, role: Role) -> Client:
    made = pages.services(office.store, Rows(), office, FakeClock())
    return pages.application(made, lambda _: "grace@example.com", lambda _: role).test_client()


def path_of(endpoint: Endpoint) -> str:
    return endpoint.route.replace("{index:int}", "1").replace(":path}", "").replace("{", "").replace("}", "")


def test_every_endpoint_that_acts_takes_a_role_or_is_open() -> None:
    assert {name for name, one in ACTS.items() if one.role is Role.VIEWER} == OPEN
    assert {name for name, one in READS.items() if one.role is not Role.VIEWER} == {"tokens"}
    assert len({one.name for one in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize("role", Role)
def test_every_role_does_what_it_may_and_is_told_why_not(office: ApiFixture, role: Role) -> None:
    client = client_of(office, role)
    for name, endpoint in ACTS.items():
        response = client.open(path_of(endpoint), method=endpoint.method, data=b"", content_type="text/plain")
        said = response.get_data(as_text=True)
        assert (f"role: must be {endpoint.role.name.lower()}" in said) == (role < endpoint.role), name
        assert response.status_code != 405, name
        if role < endpoint.role:
            assert response.status_code == 403
            assert f"grace@example.com is {role.name.lower()}" in said
    assert office.published == []


@pytest.mark.parametrize("role", Role)
def test_every_role_reads(office: ApiFixture, role: Role) -> None:
    client = client_of(office, role)
    for name in READS.keys() - {"survey"}:  # its links are signed
        status = client.get(path_of(READS[name])).status_code
        assert status not in {401, 405}, name
        assert (status == 403) is (role < READS[name].role), name


def test_what_was_kept_for_one_who_may_read_it_is_not_shown_to_another(
    office: ApiFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty = [replace(one, patience=0.2) if one.name == "tokens" else one for one in ENDPOINTS]
    monkeypatch.setattr(asgi, "ENDPOINTS", hasty)
    hangs = threading.Event()

    def role_of(person: str) -> Role:
        if person != "ada@example.com":
            assert hangs.wait(20)
        return Role.ADMIN if person == "ada@example.com" else Role.VIEWER

    made = pages.services(office.store, Rows(), office, FakeClock())
    client = pages.application(made, lambda request: request.headers.get("X-Person", ""), role_of).test_client()
    try:
        assert client.get("/v1/tokens", headers={"X-Person": "ada@example.com"}).status_code == 200
        assert client.get("/v1/tokens", headers={"X-Person": "bob@example.com"}).status_code == 503
    finally:
        hangs.set()
    assert {name for name, one in READS.items() if not one.shared} == {"tokens", "me"}


@pytest.mark.parametrize(
    ("account", "role"),
    [
        ("ada@example.com", Role.ADMIN),
        ("ADA@example.com", Role.ADMIN),
        ("grace@example.com", Role.OPERATOR),
        ("ops-1@example.com", Role.OPERATOR),
        ("bob@example.com", Role.RESPONDER),
        ("bob@example.com.evil.example", Role.VIEWER),
        ("ada@evil.example", Role.VIEWER),
        ("", Role.VIEWER),
    ],
)
def test_an_account_has_the_highest_role_whose_patterns_it_matches(account: str, role: Role) -> None:
    assert role_of(account, ACCESS) is role
    assert role_of(account, None) is Role.ADMIN
    assert role_of(account, Access()) is Role.VIEWER
