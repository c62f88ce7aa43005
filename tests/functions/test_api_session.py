"""The session of the local system: who has it acts, in the name of the person who runs it; everybody reads."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from functions.adapters.stores import open_store
from functions.api.routes import ENDPOINTS
from functions.api.session import COOKIE, Session, open_session
from functions.cli.api import SESSION_FILE, RefusedError, call, login
from functions.cli.main import main
from infra.local import session_token
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock

TOKEN = "7f" * 32
HALT = {"by": "Mallory", "action": "*"}
OPEN = {("POST", "/api/experience"), ("POST", "/survey")}
"""What takes no session: browsers report, and the links of surveys are signed."""


@pytest.fixture
def office(tmp_path: Path) -> ApiFixture:
    return ApiFixture(open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test"), obeys=False)


@pytest.fixture
def client(office: ApiFixture) -> Client:
    made = pages.services(office.store, Rows(), office, FakeClock())
    return pages.application(made, Session(token=TOKEN, name="ada").person, verified=False).test_client()


@pytest.fixture
def bare(client: Client) -> Client:
    """Sends the cookies that a test writes."""
    return client.application.test_client(use_cookies=False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Cookie": f"{COOKIE}="},
        {"Cookie": f"other={TOKEN}"},
        {"X-Goog-Authenticated-User-Email": "accounts.google.com:ada@example.com"},
        {"X-Goog-IAP-JWT-Assertion": TOKEN},
    ],
)
def test_without_the_session_everybody_reads_and_nobody_acts(
    bare: Client, office: ApiFixture, headers: dict[str, str]
) -> None:
    refused = bare.post(f"/v1/automation/halt?token={TOKEN}", json=HALT, headers=headers)
    assert (refused.status_code, office.published) == (401, [])
    assert "session: must be given" in (refused.json or {})["detail"]
    assert bare.get("/v1/incidents", headers=headers).status_code == 200
    assert (bare.get("/v1/me", headers=headers).json or {})["by"] == ""


@pytest.mark.parametrize("headers", [{"Authorization": f"bearer {TOKEN}"}, {"Cookie": f"a=b; {COOKIE}={TOKEN}"}])
def test_with_the_session_its_person_acts_whatever_the_body_claims(
    bare: Client, office: ApiFixture, headers: dict[str, str]
) -> None:
    assert bare.post("/v1/automation/halt", json=HALT, headers=headers).status_code == 202
    assert [command.by for _, command, _ in office.published] == ["ada"]


def test_every_route_that_acts_takes_the_session(client: Client) -> None:
    changing = {(one.method, one.route) for one in ENDPOINTS if one.method != "GET"}
    assert len(changing) > 15
    for method, path in changing - OPEN:
        assert (
            client.open(path.replace("{", "").replace(":path}", "").replace("}", ""), method=method).status_code == 401
        ), path
    for method, path in OPEN:
        assert client.open(path, method=method).status_code != 401, path


def test_a_browser_gets_the_session_from_the_address_that_is_printed(client: Client, office: ApiFixture) -> None:
    assert client.get("/session").status_code == 401
    assert client.get("/session?token=x").status_code == 401
    entered = client.get(f"/session?token={TOKEN}")
    assert (entered.status_code, entered.headers["Location"]) == (303, "/")
    cookie = entered.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert client.post("/v1/automation/halt", json=HALT).status_code == 202
    assert len(office.published) == 1
    for garbage in ("", "?token=", "?token=x"):  # no address takes the session away again
        assert client.get(f"/session{garbage}").status_code == 401
    assert client.post("/v1/automation/halt", json=HALT).status_code == 202


def test_where_there_is_no_session_there_is_nothing_to_enter(office: ApiFixture) -> None:
    made = pages.services(office.store, Rows(), office, FakeClock())
    assert pages.application(made).test_client().get("/session?token=x").status_code == 404
    signed_in = pages.application(made, lambda _: "ada@example.com").test_client()
    assert signed_in.get("/session?token=x").status_code == 404
    assert open_session({"AIA_SESSION_TOKEN": ""}) is None


def test_the_token_is_generated_once_and_is_its_owners(tmp_path: Path) -> None:
    first = session_token.environment(tmp_path)
    file = tmp_path / SESSION_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert session_token.environment(tmp_path) == first
    opened = open_session(first)
    assert opened is not None
    assert opened.name == first["AIA_SESSION_PERSON"]
    assert TOKEN not in repr(Session(token=TOKEN, name="ada"))
    for damaged in (b"", b"short", b"\xff" * 64):
        file.chmod(0o644)
        file.write_bytes(damaged)
        made = session_token.environment(tmp_path)["AIA_SESSION_TOKEN"]
        assert (len(made), stat.S_IMODE(file.stat().st_mode)) == (32, 0o600)
        assert made != first["AIA_SESSION_TOKEN"]


def test_the_command_takes_the_token_from_the_data_folder(
    office: ApiFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIA_API_TOKEN", raising=False)
    monkeypatch.setenv("AIA_DATA", str(tmp_path))
    made = pages.services(office.store, Rows(), office, FakeClock())
    with pages.served(pages.application(made, Session(token=TOKEN, name="ada").person)) as url:
        with pytest.raises(RefusedError, match="session: must be given"):
            call(url, "POST", "/v1/automation/halt", HALT)
        (tmp_path / SESSION_FILE).write_text(TOKEN)
        assert call(url, "POST", "/v1/automation/halt", HALT)["id"]
        asked = ["--url", url, "--all", "--why", "a storm"]
        assert CliRunner(env={"LOGNAME": "Mallory"}).invoke(main, ["halt", *asked]).exit_code == 0
        refused = CliRunner().invoke(main, ["halt", *asked, "--by", "Mallory"])
        assert (refused.exit_code, "--by" in refused.stderr) == (2, True)
    assert [command.by for _, command, _ in office.published] == ["ada", "ada"]


def test_nobody_has_a_name_where_the_system_has_none_for_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_000)  # as of a container
    assert login() == "local"
