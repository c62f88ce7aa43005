"""Tokens of the API: in whose name they act, with which role, until when; and Google's identity tokens."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from core.access import Role
from core.actions.plan import Plan
from functions.adapters.stores import open_store
from functions.api import asgi, identity
from functions.api.identity import IdTokens, open_id_tokens
from functions.api.limits import FAILURES, Limits
from functions.api.request import Request
from functions.api.session import Session
from functions.api.tokens import COLLECTION, KNOWN_SECONDS, MOST
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.servers.iap import Proxy, proxy
from tests.support.web.over_asgi import OverAsgi

HALT = {"by": "Mallory", "action": "*"}
ROLES = {"ada@example.com": Role.ADMIN, "grace@example.com": Role.OPERATOR}


@dataclass
class TokenFixture:
    api: ApiFixture
    clock: FakeClock
    client: Client

    def create(self, by: str = "ada@example.com", **body: Any) -> Any:
        asked = {"name": "ci", "role": "operator"} | body
        return self.client.post("/v1/tokens", json=asked, headers={"X-Person": by})

    def ask(self, token: str, method: str = "GET", path: str = "/v1/me", **more: Any) -> Any:
        return self.client.open(path, method=method, headers={"Authorization": f"Bearer {token}"}, **more)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def office(tmp_path: Path, clock: FakeClock) -> Iterator[TokenFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    api = ApiFixture(store, obeys=False)
    made = pages.services(store, Rows(), api, clock)
    app = pages.application(
        made, lambda request: request.headers.get("X-Person", ""), lambda person: ROLES.get(person, Role.VIEWER)
    )
    yield TokenFixture(api, clock, app.test_client(use_cookies=False))
    store.close()  # type: ignore[attr-defined]


def test_a_token_acts_in_the_name_of_who_created_it_and_the_store_cannot_tell_it(office: TokenFixture) -> None:
    created = office.create().json
    token = created["token"]
    assert token.startswith(f"aia_{created['id']}_")
    assert (created["owner"], created["role"], created["used_at"]) == ("ada@example.com", "operator", None)
    assert office.ask(token).json["by"] == "ada@example.com"
    assert office.ask(token, "POST", "/v1/automation/halt", json=HALT).status_code == 202
    [(_, command, _)] = office.api.published
    assert (command.by, command.verified) == ("ada@example.com", True)
    [kept] = office.api.store.find(COLLECTION)
    assert token.split("_", 2)[2] not in json.dumps(kept.data, default=str)
    listed = office.client.get("/v1/tokens", headers={"X-Person": "ada@example.com"}).json
    assert "token" not in listed[0]
    assert listed[0]["used_at"] is not None


def test_a_token_may_do_no_more_than_its_role_and_than_its_owner(office: TokenFixture, clock: FakeClock) -> None:
    reader = office.create(role="viewer").json["token"]
    assert office.ask(reader).status_code == 200
    assert office.ask(reader, "POST", "/v1/automation/halt", json=HALT).status_code == 403
    admin = office.create(role="admin").json["token"]
    assert office.ask(admin, "DELETE", "/v1/models/x").status_code == 404
    ROLES["ada@example.com"] = Role.RESPONDER  # the settings have changed
    try:
        assert office.ask(admin, "DELETE", "/v1/models/x").status_code == 403
        assert office.ask(admin, "POST", "/v1/automation/halt", json=HALT).status_code == 403
    finally:
        ROLES["ada@example.com"] = Role.ADMIN
    assert office.create("grace@example.com").status_code == 403
    assert office.client.get("/v1/tokens", headers={"X-Person": "grace@example.com"}).status_code == 403


def test_a_token_expires_and_is_revoked(
    office: TokenFixture, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.tokens.KNOWN_SECONDS", 0.0)
    created = office.create(days=2).json
    clock.now += timedelta(days=2)
    expired = office.ask(created["token"])
    assert (expired.status_code, "'ci' has expired" in expired.json["detail"]) == (401, True)
    created = office.create().json
    revoked = office.client.post(f"/v1/tokens/{created['id']}/revoke", json={}, headers={"X-Person": "ada@example.com"})
    assert (revoked.status_code, revoked.json["revoked_at"] is not None) == (200, True)
    assert office.ask(created["token"]).status_code == 401
    assert KNOWN_SECONDS <= 15
    gone = office.client.post("/v1/tokens/none/revoke", json={}, headers={"X-Person": "ada@example.com"})
    assert gone.status_code == 404


def test_a_token_that_a_token_created_outlives_it_in_no_way(
    office: TokenFixture, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.tokens.KNOWN_SECONDS", 0.0)
    first = office.create(role="admin", days=2).json
    asked = {"name": "child", "role": "admin", "days": 365}
    child = office.ask(first["token"], "POST", "/v1/tokens", json=asked).json
    assert (child["owner"], child["expires_at"]) == ("ada@example.com", first["expires_at"])
    refused = office.ask(child["token"], "POST", "/v1/tokens", json=asked)
    assert (refused.status_code, "a person created" in refused.json["detail"]) == (403, True)
    ROLES["ada@example.com"] = Role.VIEWER
    try:
        assert office.ask(child["token"], "POST", "/v1/automation/halt", json=HALT).status_code == 403
    finally:
        ROLES["ada@example.com"] = Role.ADMIN
    assert office.ask(child["token"]).status_code == 200
    office.client.post(f"/v1/tokens/{first['id']}/revoke", json={}, headers={"X-Person": "ada@example.com"})
    gone = office.ask(child["token"])
    assert (gone.status_code, "which created 'child' was revoked" in gone.json["detail"]) == (401, True)


def test_an_address_whose_credentials_are_none_waits_and_others_do_not(
    office: TokenFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.api.tokens.KNOWN_SECONDS", 0.0)
    token = office.create().json["token"]
    app = asgi.application(
        lambda: pages.services(office.api.store, Rows(), office.api, office.clock),
        identify=lambda _: "",
        role_of=lambda _: Role.VIEWER,
        proxies=1,
    )
    client = OverAsgi(app).test_client(use_cookies=False)

    def asked(token: str, address: str) -> Any:
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": f"6.6.6.6, {address}"}
        return client.get("/v1/me", headers=headers)

    assert asked("nobody's", "192.0.2.1").status_code == 200  # who shows it is nobody, who may read here
    statuses = [asked("aia_guess_x", "192.0.2.1").status_code for _ in range(FAILURES.burst + 1)]
    assert statuses == [401] * FAILURES.burst + [429]
    assert asked("nobody's", "192.0.2.1").status_code == 429
    waits = asked(token, "192.0.2.1")
    assert (waits.status_code, 1 <= int(waits.headers["Retry-After"]) <= 2) == (429, True)
    assert asked(token, "192.0.2.2").status_code == 200
    assert asked(token, "192.0.2.1").status_code == 200  # it has held: strangers of that address do not matter
    office.client.post(f"/v1/tokens/{token.split('_')[1]}/revoke", json={}, headers={"X-Person": "ada@example.com"})
    assert [asked(token, "192.0.2.1").status_code for _ in range(2)] == [401, 429]
    assert client.get("/v1/me", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200  # it shows nothing


def test_the_table_of_addresses_is_bounded() -> None:
    limits = Limits(FAILURES, clock=lambda: 0.0)
    for number in range(25_000):
        limits.wait(str(number))
    assert len(limits._buckets) <= 10_001
    assert limits.blocked("24999") == 0.0


@pytest.mark.parametrize(
    "token", ["aia_", "aia_x", "aia__", "aia_{id}", "aia_{id}_", "aia_{id}_x", "aia_{id}_{secret}x"]
)
def test_what_is_no_token_is_refused_also_to_read(office: TokenFixture, token: str) -> None:
    _, identifier, secret = office.create().json["token"].split("_", 2)
    forged = token.format(id=identifier, secret=secret)
    assert office.ask(forged).status_code == 401
    assert office.ask(forged, "POST", "/v1/automation/halt", json=HALT).status_code == 401
    assert office.ask(forged, path="/v1/incidents").status_code == 401


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"name": ""}, "name: must be 1 to 80 printable characters"),
        ({"role": "root"}, "role: must be one of viewer, responder, operator, admin"),
        ({"days": 366}, "days: must be a whole number, 1 to 365"),
        ({"days": True}, "days: must be a whole number, 1 to 365"),
        ({"scope": "x"}, "scope: must be one of by, name, role, days"),
    ],
)
def test_what_is_no_request_for_a_token_is_told(office: TokenFixture, body: dict[str, Any], says: str) -> None:
    refused = office.create(**body)
    assert (refused.status_code, says in refused.json["detail"]) == (400, True)


def test_there_are_only_so_many(office: TokenFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.api.tokens.MOST", 1)
    assert [office.create().status_code for _ in range(2)] == [200, 409]
    assert MOST == 200


def test_two_people_resume_everything_and_the_same_one_is_told_so(office: TokenFixture) -> None:
    def say(verb: str, by: str) -> Any:
        return office.client.post(f"/v1/automation/{verb}", json={"action": "*"}, headers={"X-Person": by})

    office.api.obeys = True
    assert say("halt", "ada@example.com").status_code == 202
    assert say("resume", "ada@example.com").status_code == 202
    shown = office.client.get("/v1/actions").json["automation"]
    assert (shown["resuming"]["by"], shown["halted"][0]["action"]) == ("ada@example.com", "*")
    again = say("resume", "ada@example.com")
    assert (again.status_code, "another person than ada@example.com" in again.json["detail"]) == (409, True)
    assert say("resume", "grace@example.com").status_code == 202
    assert office.client.get("/v1/actions").json["automation"]["halted"] == []


def test_who_is_not_verified_where_others_are_is_none_of_two_people(office: TokenFixture) -> None:
    before = pages.application(pages.services(office.api.store, Rows(), office.api, office.clock)).test_client()
    asked = {"name": "old", "role": "admin", "by": "ada@example.com"}
    token = (before.post("/v1/tokens", json=asked).json or {})["token"]  # of a time when nobody was verified
    office.api.obeys = True
    assert office.ask(token, "POST", "/v1/automation/halt", json=HALT).status_code == 202
    refused = office.ask(token, "POST", "/v1/automation/resume", json=HALT)
    assert (refused.status_code, "identity: must be verified" in refused.json["detail"]) == (403, True)
    run = pages.request("i", "revoke_access", "account/x", office.clock())
    office.api.case(pages.awaiting(run, Plan(summary="x"), office.clock()))
    approved = office.ask(token, "POST", f"/v1/actions/{run.id}/approve", json={"by": "Ada"})
    assert (approved.status_code, "identity: must be verified" in approved.json["detail"]) == (403, True)
    assert office.ask(token, "POST", f"/v1/actions/{run.id}/reject", json={"by": "Ada"}).status_code == 202


def test_the_person_who_runs_the_local_system_resumes_alone(office: TokenFixture) -> None:
    session = Session(token="7f" * 32, name="ada")
    made = pages.services(office.api.store, Rows(), office.api, office.clock)
    client = pages.application(made, session.person, verified=False).test_client()
    office.api.obeys = True
    for verb in ("halt", "resume"):
        told = client.post(
            f"/v1/automation/{verb}", json={"action": "*"}, headers={"Authorization": f"Bearer {'7f' * 32}"}
        )
        assert told.status_code == 202
    assert [command.verified for _, command, _ in office.api.published] == [False, False]
    assert client.get("/v1/actions").json["automation"]["halted"] == []


@pytest.fixture(scope="module")
def google() -> Iterator[Proxy]:
    with proxy() as running:
        yield running


def test_a_person_is_known_by_an_identity_token_of_google(google: Proxy) -> None:
    known = IdTokens(audience=google.iap.audience, keys=google.iap.keys, otherwise=lambda _: "proxy@example.com")

    def person(**claims: Any) -> str:
        told = {"iss": "https://accounts.google.com", "email_verified": True} | claims
        [token] = google.headers("Grace@example.com", **told).values()
        return known.person(Request(headers=pages.headers(Authorization=f"Bearer {token}")))

    assert person() == "grace@example.com"
    for wrong in ({"iss": "https://evil.example"}, {"email_verified": False}, {"aud": "other"}, {"email": ""}):
        with pytest.raises(identity.Unauthorized):
            person(**wrong)
    assert known.person(Request()) == "proxy@example.com"
    assert IdTokens(audience="x").person(Request()) == ""
    assert open_id_tokens({}, None) is None
    assert open_id_tokens({"AIA_ID_TOKEN_AUDIENCE": "x"}, None) is not None


def run(url: str, *arguments: str) -> Result:
    return CliRunner(env={"LOGNAME": "Ada"}).invoke(main, ["tokens", *arguments, "--url", url])


def test_the_command_creates_lists_and_revokes(office: TokenFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pages.services(office.api.store, Rows(), office.api, office.clock)
    with pages.served(pages.application(made)) as url:
        assert run(url, "list").output == "no tokens\n"
        created = run(url, "create", "ci", "--role", "responder")
        token, identifier = created.stdout.strip(), created.stdout.split("_")[1]
        assert f"{identifier}: ci, responder, of Ada, until " in created.stderr
        monkeypatch.setenv("AIA_API_TOKEN", token)
        refused = run(url, "list")
        assert (refused.exit_code, "role: must be admin, Ada is responder" in refused.output) == (2, True)
        monkeypatch.delenv("AIA_API_TOKEN")
        assert f"{identifier}: ci, responder, of Ada, revoked " in run(url, "revoke", identifier).output
        assert json.loads(run(url, "list", "--json").output)[0]["id"] == identifier
