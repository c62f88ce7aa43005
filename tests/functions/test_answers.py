"""Answers to surveys: uploaded, and by the page of one question; what counts of them, and what is refused."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from core.events import Verb
from functions.adapters.answer_links import Link
from functions.adapters.signed_tokens import sign
from functions.adapters.stores import open_store
from functions.adapters.survey_links import SurveyLink, respondent_hash
from functions.cli.main import main
from infra.local.warehouse import read_definitions
from tests.support.builders import pages
from tests.support.builders.pages import SURVEY_SECRET, ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock

ADA = respondent_hash("ada@example.com", SURVEY_SECRET)
LINK = SurveyLink(
    stakeholder="technical",
    question="nps",
    about="the <ML> platform",
    respondent=ADA,
    asked_at=int(START.timestamp()) - 60,
    expires_at=int(START.timestamp()) + 86_400,
)
ANSWER: dict[str, Any] = {
    "answered_at": "2025-12-01T10:00:00Z",
    "stakeholder": "business",
    "question": "csat",
    "score": 4,
    "respondent": ADA,
}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(office: ApiFixture, clock: FakeClock) -> Client:
    return pages.application(pages.services(office.store, Rows(), office, clock)).test_client()


def token(**changed: Any) -> str:
    fields = {name: getattr(LINK, name) for name in LINK.__struct_fields__}
    return sign(SurveyLink(**(fields | changed)), SURVEY_SECRET)


def test_the_page_shows_the_question_and_a_scanner_that_follows_the_link_does_not_vote(
    client: Client, office: ApiFixture
) -> None:
    response = client.get(f"/survey?token={token()}")
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert "recommend the &lt;ML&gt; platform to a colleague?" in page
    assert [f'name="score" value="{score}"' in page for score in range(12)] == [True] * 11 + [False]
    assert "form-action 'self'" in response.headers["Content-Security-Policy"]
    assert response.headers["Cache-Control"] == "no-store"
    client.head(f"/survey?token={token()}")
    assert office.reported == []


def test_one_click_is_one_answer_and_the_second_one_has_the_same_respondent(
    client: Client, office: ApiFixture, clock: FakeClock
) -> None:
    first = client.post("/survey", data={"token": token(), "score": "9"})
    assert first.status_code == 200
    assert "Your answer is 9." in first.get_data(as_text=True)
    clock.now += timedelta(seconds=30)
    second = client.post("/survey", data={"token": token(), "score": "3", "comment": " too slow "})
    assert "Your comment is saved." in second.get_data(as_text=True)
    one, two = office.reported
    [table] = [found for found in read_definitions() if found.id == "telemetry.answers"]
    assert list(one) == list(two) == [column["name"] for column in table.schema]
    assert (one["stakeholder"], one["question"], one["score"], one["comment"]) == ("technical", "nps", 9, None)
    assert (two["score"], two["comment"], two["respondent"]) == (3, "too slow", one["respondent"])
    assert one["answered_at"] == START < two["answered_at"]
    assert one["asked_at"] == datetime.fromtimestamp(LINK.asked_at, UTC)
    assert one["answer_id"] != two["answer_id"]


@pytest.mark.parametrize(
    ("form", "status", "text"),
    [
        ({"score": "11"}, 400, "Nothing was saved: choose 0 to 10"),
        ({"score": "-1"}, 400, "Nothing was saved"),
        ({"score": "\u0669"}, 400, "Nothing was saved"),
        ({}, 400, "Nothing was saved"),
        ({"score": "5", "comment": "x" * 2001}, 400, "at most 2000 characters"),
        ({"score": "5", "token": "forged.token"}, 403, "This link is not valid."),
        ({"score": "5", "token": ""}, 403, "This link is not valid."),
        ({"score": "5", "comment": "x" * 50_000}, 403, "This link is not valid."),  # longer than any form of ours
    ],
)
def test_what_is_no_answer_is_not_saved(
    client: Client, office: ApiFixture, form: dict[str, str], status: int, text: str
) -> None:
    response = client.post("/survey", data={"token": token()} | form)
    assert (response.status_code, text in response.get_data(as_text=True)) == (status, True)
    assert office.reported == []


def test_a_link_expires_and_is_of_one_secret(client: Client, clock: FakeClock) -> None:
    assert client.get(f"/survey?token={sign(LINK, 'another secret')}").status_code == 403
    claims, signature = token().split(".")
    assert client.get(f"/survey?token={claims[:-2]}.{signature}").status_code == 403
    clock.now += timedelta(days=2)
    response = client.get(f"/survey?token={token()}")
    assert (response.status_code, "This link has expired." in response.get_data(as_text=True)) == (403, True)


def test_a_link_that_acknowledges_an_incident_is_not_one_to_a_question(client: Client) -> None:
    link = Link(person="ada", incident_id="i", verb=Verb.ACKNOWLEDGE, message="m", expires_at=LINK.expires_at)
    response = client.get(f"/survey?token={sign(link, SURVEY_SECRET)}")
    assert (response.status_code, "This link is not valid." in response.get_data(as_text=True)) == (403, True)


def test_an_answer_that_cannot_be_saved_is_asked_for_again(client: Client, office: ApiFixture) -> None:
    office.down = True
    response = client.post("/survey", data={"token": token(), "score": "9"})
    page = response.get_data(as_text=True)
    assert response.status_code == 503
    assert "could not be saved" in page
    assert 'value="9"' in page


def test_without_a_secret_there_is_no_page(office: ApiFixture, clock: FakeClock) -> None:
    made = pages.services(office.store, Rows(), office, clock)
    client = pages.application(replace(made, survey=replace(made.survey, secret=None))).test_client()
    assert client.get(f"/survey?token={token()}", headers={"Accept": "*/*"}).status_code == 404


def test_uploaded_answers_are_published_and_the_same_ones_have_the_same_ids(client: Client, office: ApiFixture) -> None:
    answers = [ANSWER, ANSWER | {"score": 5, "respondent": "0" * 32, "comment": "fine"}]
    for _ in range(2):
        response = client.post("/v1/answers", json={"answers": answers})
        assert (response.status_code, response.get_json()) == (200, {"accepted": 2})
    ids = [row["answer_id"] for row in office.reported]
    assert ids[:2] == ids[2:]
    assert len(set(ids)) == 2
    assert office.reported[1]["comment"] == "fine"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([ANSWER | {"score": 6}], "answers[0].score: must be 1 to 5 for csat, got 6"),
        (
            [ANSWER | {"stakeholder": "boss"}],
            "answers[0].stakeholder: must be one of executive, technical, operations, business",
        ),
        ([ANSWER, ANSWER | {"question": "ces"}], "answers[1].question: must be one of nps, csat, got 'ces'"),
        ([ANSWER | {"respondent": "ada@example.com"}], "answers[0]: must be an answer"),
        ([ANSWER | {"answered_at": "2025-12-01T10:00:00"}], "answers[0]: must be an answer"),
        ([ANSWER | {"answered_at": "2999-12-01T10:00:00Z"}], "answers[0].answered_at: must not be in the future"),
        ([ANSWER | {"answered_at": "0001-01-01T00:00:00+23:59"}], "answers[0].answered_at: must not be before 1970"),
        ([ANSWER | {"asked_at": "9999-12-31T23:59:59-23:59"}], "answers[0].asked_at: must not be in the future"),
        ([], "answers: must be a list of 1 to 1000 answers, got 0"),
        ("all", "answers: must be a list of 1 to 1000 answers, got"),
    ],
)
def test_one_answer_that_is_not_valid_refuses_all(
    client: Client, office: ApiFixture, answers: Any, message: str
) -> None:
    response = client.post("/v1/answers", json={"answers": answers})
    assert response.status_code == 400
    assert response.get_json()["detail"].startswith(message)
    assert office.reported == []


def run(url: str, *arguments: str, text: str = "") -> Result:
    return CliRunner().invoke(main, ["survey", "--url", url, "--secret", SURVEY_SECRET, *arguments], input=text)


def test_files_are_uploaded_and_links_lead_to_the_page(office: ApiFixture, clock: FakeClock, tmp_path: Path) -> None:
    rows, lines, wrong = tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "wrong.csv"
    rows.write_text(
        "answered_at,stakeholder,question,score,respondent,comment\n"
        '2025-12-01T10:00:00Z,business,nps,10,Ada@example.com,"fast, ""good"""\n'
    )
    lines.write_text(json.dumps(ANSWER | {"respondent": "ada@example.com", "question": "nps", "score": 0}) + "\n\n")
    wrong.write_text("answered_at,stakeholder,question,score,respondent\n2025-12-01T10:00:00Z,business,nps,ten,ada\n")
    made = pages.services(office.store, Rows(), office, clock)
    with pages.served(pages.application(made)) as url:
        assert "1 answers uploaded" in run(url, "upload", str(rows)).output
        assert "1 answers uploaded" in run(url, "upload", str(lines)).output
        refused = run(url, "upload", str(wrong))
        made_links = run(url, "links", "-", "--group", "executive", text="ada@example.com\n\nada@example.com\n")
    assert [row["respondent"] for row in office.reported] == [ADA, ADA]
    assert office.reported[0]["comment"] == 'fast, "good"'
    assert refused.exit_code == 2
    assert f"{wrong}:2: score: must be a whole number, got 'ten'" in refused.output
    [line] = made_links.output.splitlines()
    person, link = line.split(",")
    found = parse_qs(urlsplit(link).query)["token"][0]
    client = pages.application(made).test_client()
    clock.now = datetime.now(UTC)
    assert person == "ada@example.com"
    assert client.post("/survey", data={"token": found, "score": "8"}).status_code == 200
    assert office.reported[-1]["respondent"] == ADA
    assert office.reported[-1]["stakeholder"] == "executive"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,score\n1,2\n", "columns must be of answered_at"),
        ("", "must have at least one answer"),
        ("score,respondent\n5,\n", ":2: respondent: must be given, got nothing"),
        ("score,respondent\n5,ada,extra\n", ":2: must have 2 values, got more"),
        ('{"score": 5\n', ":1: must be a JSON object"),
    ],
)
def test_a_file_that_is_wrong_is_refused_before_anything_is_sent(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "answers"
    file.write_text(text)
    found = run("http://127.0.0.1:9", "upload", str(file))
    assert found.exit_code == 2
    assert message in found.output


def test_a_short_secret_is_refused() -> None:
    found = CliRunner().invoke(main, ["survey", "--secret", "short", "links", "-", "--group", "business"])
    assert "--secret: must be of at least 32 characters, got 5" in found.output
