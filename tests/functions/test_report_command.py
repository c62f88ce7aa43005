"""Reports over the API, and `aia report` against it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from core.events import Verb
from core.reports.registry import section_of
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.stores import open_store
from functions.cli.main import main
from functions.services.reports.archive import Archive
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.builders.reports import MADE_AT, report

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def api(office: ApiFixture) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, lambda: NOW)).test_client()


@pytest.fixture
def kept(office: ApiFixture) -> Archive:
    """The executive report of 2026-W47, which one channel got."""
    archive = Archive(office.store)
    archive.record(archive.keep(report()), "mail", Receipt(DeliveryOutcome.DELIVERED), MADE_AT)
    return archive


# The API


@pytest.mark.usefixtures("kept")
def test_the_reports_are_listed_with_those_that_were_sent(api: Client) -> None:
    found = api.get("/v1/reports").json
    assert [one["name"] for one in found["reports"]] == ["executive", "technical", "operations", "business"]
    for one in found["reports"]:
        assert one["section_titles"] == [section_of(name).title for name in one["sections"]]
    assert found["latest"] == "2026-W47"
    (sent,) = found["kept"]
    assert (sent["name"], sent["week"], sent["sent"]["mail"]["outcome"]) == ("executive", "2026-W47", "delivered")


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize("week", ["2026-W47", "latest"])
def test_a_report_that_was_sent_is_shown_as_it_was_sent(api: Client, week: str) -> None:
    found = api.get(f"/v1/reports/executive/{week}").json
    assert found["made_at"] == "2026-11-23T08:00:00Z"
    assert "Revenue was" in api.get(f"/v1/reports/executive/{week}.txt").text
    page = api.get(f"/reports/executive/{week}")
    assert page.mimetype == "text/html"
    assert "preview" not in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline';")
    assert "https://console.cloud.google.com/bigquery?project=aia-test" in page.text


def test_another_one_is_made_from_what_is_there_and_not_kept(api: Client, office: ApiFixture) -> None:
    assert "preview" in api.get("/reports/technical/2026-W46").text
    assert office.store.find("report_texts") == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nobody/latest", "report: must be one of executive, technical, operations, business, got 'nobody'"),
        ("executive/2026-W99", "week: must be a week of ISO 8601, as in 2026-W47, got '2026-W99'"),
        ("executive/2026-W48", "week: must be over, the newest is 2026-W47, got '2026-W48'"),
    ],
)
def test_what_does_not_exist_is_not_found_with_the_reason(api: Client, path: str, reason: str) -> None:
    for prefix in ("/v1/reports/", "/reports/"):
        found = api.get(prefix + path)
        assert (found.status_code, found.json["detail"]) == (404, reason)
    assert api.post(f"/v1/reports/{path}/send", json={"by": "ada"}).status_code == 404


def test_a_warehouse_that_does_not_answer_is_503(office: ApiFixture) -> None:
    warehouse = Rows()
    warehouse.down = True
    api = pages.application(pages.services(office.store, warehouse, office, lambda: NOW)).test_client()
    assert api.get("/v1/reports/executive/latest").status_code == 503


def test_to_send_a_report_is_a_command(api: Client, office: ApiFixture) -> None:
    found = api.post("/v1/reports/executive/latest/send", json={"by": "ada"})
    assert found.status_code == 202
    ((topic, command, attributes),) = office.published
    assert (topic, command.verb, command.subject) == ("commands", Verb.SEND_REPORT, "executive:2026-W47")
    assert attributes == {"verb": "send_report"}
    assert api.post("/v1/reports/executive/latest/send", json={}).status_code == 400


# The command


@pytest.fixture
def url(api: Client) -> Iterator[str]:
    with pages.served(api.application) as url:
        yield url


def run(url: str, *arguments: str) -> Result:
    return CliRunner(env={"LOGNAME": "ada"}).invoke(main, ["report", "--url", url, *arguments])


@pytest.mark.usefixtures("kept")
def test_the_command_lists_writes_prints_and_sends(url: str, office: ApiFixture, tmp_path: Path) -> None:
    listed = run(url).stdout.splitlines()
    assert listed[0].startswith("executive: Executive report (Revenue, Forecast, ")
    assert listed[-1] == "executive 2026-W47, made at 2026-11-23 08:00 UTC: mail delivered"
    assert json.loads(run(url, "--json").stdout)["latest"] == "2026-W47"
    file = tmp_path / "report.html"
    written = run(url, "executive", "--week", "2026-W47", "--html", str(file))
    assert (written.exit_code, written.stdout) == (0, "")
    assert file.read_text().startswith("<!doctype html>")
    assert run(url, "executive").stdout.startswith("Executive report, 2026-11-16 to 2026-11-22\n")
    assert json.loads(run(url, "executive", "--json").stdout)["week"] == "2026-W47"
    assert "asked for" in run(url, "executive", "--send").stdout
    assert office.sent == ["executive:2026-W47"]


def test_what_cannot_be_done_is_told_by_the_exit_status_and_the_reason(url: str, tmp_path: Path) -> None:
    for arguments, reason in (
        (("nobody",), "must be one of executive"),
        (("executive", "--week", "2026-W99"), "must be a week of ISO 8601"),
        (("executive", "--html", str(tmp_path / "none" / "x.html")), "cannot be written"),
    ):
        found = run(url, *arguments)
        assert found.exit_code == 2
        assert reason in found.stderr
    assert run("http://127.0.0.1:9", "executive").exit_code == 3
