"""The runbooks as the API serves them: those that there are, as they are, and nothing beside them."""

import json
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from functions.api import reply, runbooks
from tests.support.builders import pages

NAMES = sorted(path.name for path in runbooks.FOLDER.glob("*.md"))


def ask(path: str, method: str = "GET") -> TestResponse:
    return pages.client_of(lambda: pytest.fail("runbooks must not need the store")).open(path, method=method)


def test_the_runbooks_are_those_of_the_sources() -> None:
    assert Path(__file__).parents[2] / "docs" / "runbooks" == runbooks.FOLDER
    assert {"models.md", "probes.md", "system.md"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_is_given_as_it_is(name: str) -> None:
    response = ask(f"/v1/runbooks/{name}")
    assert response.status_code == 200
    assert response.get_data() == (runbooks.FOLDER / name).read_bytes()
    assert response.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_has_a_page_under_the_policy_of_all_pages(name: str) -> None:
    response = ask(f"/runbooks/{name}")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert b"/assets/runbook_page.js" in response.get_data()
    response.close()
    assert response.headers["Content-Security-Policy"] == reply.POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("under", ["/runbooks", "/v1/runbooks"])
@pytest.mark.parametrize(
    "name", ["nothing.md", "models", "MODELS.md", "models.md%00", "..", ".", "*.md", "..%5Capi.md"]
)
def test_a_name_that_none_has_is_told_plainly(under: str, name: str) -> None:
    response = ask(f"{under}/{name}")
    assert response.status_code == 404
    assert json.loads(response.get_data())["detail"].startswith("runbook: must be one of agents.md, ")


@pytest.mark.parametrize("under", ["/runbooks", "/v1/runbooks"])
@pytest.mark.parametrize(
    "name",
    ["../api.md", "..%2Fapi.md", "%2e%2e/api.md", "%2e%2e%2fapi.md", "..%252fapi.md", "/etc/passwd", "%2Fetc%2Fpasswd"],
)
def test_nothing_outside_the_folder_is_given(under: str, name: str) -> None:
    response = ask(f"{under}/{name}")
    assert response.status_code == 404
    assert set(json.loads(response.get_data())) == {"type", "title", "status", "detail", "request_id"}


@pytest.mark.parametrize("path", ["/runbooks/models.md", "/v1/runbooks/models.md"])
def test_a_runbook_takes_nothing(path: str) -> None:
    assert ask(path, "POST").status_code == 405


@pytest.mark.parametrize(
    ("given", "told"), [(None, "/runbooks"), ("", "/runbooks"), ("https://example.com/r", "https://example.com/r")]
)
def test_the_page_learns_where_runbooks_are(monkeypatch: pytest.MonkeyPatch, given: str | None, told: str) -> None:
    monkeypatch.delenv("AIA_RUNBOOKS_URL", raising=False)
    if given is not None:
        monkeypatch.setenv("AIA_RUNBOOKS_URL", given)
    assert json.loads(ask("/v1/me").get_data())["runbooks"] == told


GUIDES = sorted(path.name for path in runbooks.FOLDER.parent.glob("*.md"))


def test_a_guide_that_runbooks_lead_to_is_given_as_it_is_and_has_a_page() -> None:
    assert {"actions.md", "alerts.md", "settings.md"} <= set(GUIDES)
    for name in GUIDES:
        assert ask(f"/v1/guides/{name}").get_data() == (runbooks.FOLDER.parent / name).read_bytes()
        assert ask(f"/guides/{name}").mimetype == "text/html"


@pytest.mark.parametrize("under", ["/guides", "/v1/guides"])
@pytest.mark.parametrize("name", ["models.md", "runbooks", "..%2FREADME.md", "page.png", "../README.md"])
def test_a_name_that_no_guide_has_is_told_plainly(under: str, name: str) -> None:
    response = ask(f"{under}/{name}")
    assert response.status_code == 404
    assert "detail" in json.loads(response.get_data())
