"""The document of the API, and what all its operations have in common: problems, request ids, keys, limits, cursors."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from core.events import Severity
from core.incidents.model import State
from functions.adapters.store import update
from functions.adapters.stores import open_store
from functions.api import asgi
from functions.api.limits import Rate
from functions.api.once import COLLECTION, HEADER, KEPT, LEASE, REPLAYED
from functions.api.operations import OPERATIONS
from functions.cli import api, asking
from functions.cli.client import Client as ApiClient
from infra import api_client, openapi
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import START, FakeClock

HALT = {"by": "Ada", "action": "*"}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store, obeys=False)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def client(office: ApiFixture, clock: FakeClock) -> Client:
    return pages.client_of(pages.services(office.store, Rows(), office, clock))


def test_the_document_is_what_the_operations_declare_and_is_served() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "run `make openapi`"
    for path, text in api_client.formatted().items():
        assert path.read_text(encoding="utf-8") == text, "run `make openapi`"
    assert {*api_client.FOLDER.glob("*.py")} == api_client.formatted().keys()
    client = pages.client_of(lambda: pytest.fail("the document must not need the store"))
    assert client.get("/v1/openapi.json").json == json.loads(openapi.text())
    assert b"/assets/explore.js" in client.get("/v1/docs").get_data()


def test_every_operation_is_in_the_document_once_with_its_role_and_its_schemas() -> None:
    found = openapi.document()
    ids = [one["operationId"] for methods in found["paths"].values() for one in methods.values()]
    assert sorted(ids) == sorted(one.name for one in OPERATIONS)
    assert {one["x-role"] for methods in found["paths"].values() for one in methods.values()} == {
        *("viewer", "responder", "operator", "admin")
    }
    refs = set(json.dumps(found).split('"$ref": "#/components/schemas/')[1:])
    assert {one.partition('"')[0] for one in refs} <= found["components"]["schemas"].keys()


def test_every_command_asks_by_the_typed_client() -> None:
    own = {one.relative_to(api_client.FOLDER.parent): one.read_text() for one in api_client.FOLDER.parent.rglob("*.py")}
    asking = {
        str(one)
        for one, text in own.items()
        if re.search(r"^from functions.cli.api import .*\bcall\b", text, re.MULTILINE)
    }
    assert asking == {"asking.py"}


def test_a_problem_says_what_is_wrong_and_which_request_it_was(client: Client) -> None:
    given = client.get("/v1/incidents/none", headers={"X-Request-Id": "from-the-caller"})
    assert given.content_type == "application/problem+json"
    assert given.json == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "incident: none has the id 'none'",
        "request_id": "from-the-caller",
    }
    assert given.headers["X-Request-Id"] == "from-the-caller"
    for strange in ("", "x", "a" * 65, "a b c d e f", "<script>-----"):
        own = client.get("/health", headers={"X-Request-Id": strange}).headers["X-Request-Id"]
        assert (own != strange, len(own)) == (True, 32)
    faults = client.post("/v1/automation/halt", json={"by": 7, "action": "x"}).json or {}
    assert [one["path"] for one in faults["faults"]] == ["action", "by"]


def halted(client: Client, key: str, **body: Any) -> TestResponse:
    return client.post("/v1/automation/halt", json=HALT | body, headers={HEADER: key})


def test_a_request_that_is_sent_again_under_its_key_has_the_answer_of_the_first_time(
    client: Client, office: ApiFixture, clock: FakeClock
) -> None:
    first = halted(client, "a")
    clock.now += timedelta(minutes=5)
    again = halted(client, "a")
    assert (again.status_code, again.json, again.headers[REPLAYED]) == (202, first.json, "true")
    assert REPLAYED not in first.headers
    long = {"by": "Ada", **{f"field-{n}": n for n in range(100)}}  # its problem is worth compressing
    headers = {HEADER: "long", "Accept-Encoding": "gzip"}
    refused = [client.post("/v1/automation/halt", json=long, headers=headers) for _ in range(2)]
    assert [one.headers["Content-Encoding"] for one in refused] == ["gzip", "gzip"]
    assert refused[0].get_data() == refused[1].get_data()
    assert len(office.published) == 1
    other = halted(client, "a", note="why")
    assert (other.status_code, (other.json or {})["detail"]) == (422, f"{HEADER}: was used for another request")
    assert halted(client, "b").status_code == 202
    clock.now += KEPT
    assert REPLAYED not in halted(client, "a").headers
    assert len(office.published) == 3


def test_a_refusal_is_repeated_and_a_failure_is_tried_again(client: Client, office: ApiFixture) -> None:
    assert [halted(client, "a", action="x").status_code for _ in range(2)] == [400, 400]
    office.down = True
    assert halted(client, "b").status_code == 503
    office.down = False
    assert (halted(client, "b").status_code, len(office.published)) == (202, 1)
    for key in ("", "a" * 201, "a\tb"):
        assert halted(client, key).status_code == 400


def test_a_claim_of_a_request_that_was_killed_holds_for_a_minute(
    client: Client, office: ApiFixture, clock: FakeClock
) -> None:
    halted(client, "a")
    [claim] = office.store.find(COLLECTION)
    update(office.store, COLLECTION, claim.key, lambda data: (data or {}) | {"answer": None})
    busy = halted(client, "a")
    assert (busy.status_code, busy.headers["Retry-After"]) == (409, "1")
    clock.now += LEASE
    assert (halted(client, "a").status_code, len(office.published)) == (202, 2)


def test_what_was_done_is_told_also_where_it_cannot_be_kept(client: Client, office: ApiFixture) -> None:
    publish = office.publish

    def outlasted(*arguments: Any, **attributes: str) -> None:
        """It takes so long that another request takes its place."""
        publish(*arguments, **attributes)
        [claim] = office.store.find(COLLECTION)
        update(office.store, COLLECTION, claim.key, lambda data: data or {})

    office.publish = outlasted  # type: ignore[method-assign]
    assert (halted(client, "a").status_code, len(office.published)) == (202, 1)


def test_whoever_asks_too_often_is_told_when_to_ask_again(
    office: ApiFixture, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asgi, "ACTS", Rate(2, 0.1))
    client = pages.client_of(pages.services(office.store, Rows(), office, clock))
    assert [halted(client, key).status_code for key in "abc"] == [202, 202, 429]
    refused = halted(client, "d")
    assert 1 <= int(refused.headers["Retry-After"]) <= 10
    assert client.get("/v1/incidents").status_code == 200


def over(office: ApiFixture, name: str, at: datetime, **more: Any) -> None:
    found = pages.condition(f"service/{name}", "down", Severity.ERROR, at, name)
    office.keep(pages.incident(name, [found], at - timedelta(hours=1), state=State.RESOLVED, resolved_at=at, **more))


def walked(client: Client, **query: str) -> list[list[str]]:
    """The ids of each page, from one to the next."""
    found, cursor = [], ""
    while cursor or not found:
        response = client.get("/v1/incidents", query_string={"cursor": cursor} | query)
        assert response.status_code == 200, response.get_data()
        page = response.json or {}
        found.append([one["id"] for one in page["incidents"]])
        cursor = page["next"]
    return found


def test_a_long_list_is_walked_page_by_page_and_nothing_is_left_out_or_twice(
    client: Client, office: ApiFixture
) -> None:
    down = pages.condition("service/open", "down", Severity.ERROR, START, "open")
    office.keep(pages.incident("open", [down], START))
    for number in range(9):
        over(office, f"over-{number}", START - timedelta(hours=9 * (number // 2)))  # two at an instant
    pages_of = walked(client, limit="4")
    assert [len(one) for one in pages_of] == [5, 4, 1]
    assert pages_of[0][0] == "open"
    assert sorted(name for one in pages_of for name in one) == sorted(["open", *(f"over-{n}" for n in range(9))])
    since, until = (START - timedelta(hours=hours) for hours in (18, 1))
    [found] = walked(client, since=since.isoformat(), until=until.isoformat())
    assert sorted(found) == ["over-2", "over-3", "over-4", "over-5"]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("cursor=x", "cursor: must be what `next` said"),
        ("cursor=WyIyMDI2IiwgMV0", "cursor: must be what `next` said"),
        ("since=yesterday", "since: must be an instant with its time zone"),
        ("cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzAwOjAxIiwiYSJd", "cursor: must be what `next` said"),
        ("since=0001-01-01T00:00:00%2B00:01", "since: must be an instant with its time zone"),
        ("until=9999-12-31T23:59:59-00:01", "until: must be an instant with its time zone"),
        ("since=2026-01-02T12:00:00", "since: must be an instant with its time zone"),
        ("since=2026-01-02T12:00:00Z&until=2026-01-02T12:00:00Z", "since: must be before until"),
        ("limit=0&until=x", "limit: must be 1 to 1000, got '0'; until: must be an instant"),
    ],
)
def test_what_is_wrong_in_a_query_is_told_all_at_once(client: Client, query: str, says: str) -> None:
    refused = client.get(f"/v1/incidents?{query}")
    assert (refused.status_code, says in (refused.json or {})["detail"]) == (400, True)


def test_the_typed_client_asks_every_operation_by_its_address(client: Client, office: ApiFixture) -> None:
    assert {one.name for one in OPERATIONS} <= set(dir(ApiClient))
    over(office, "a b/c", START)
    with pages.served(client.application) as url:
        known = ApiClient(url)
        over(office, "older", START - timedelta(hours=1))
        assert [[one["id"] for one in page["incidents"]] for page in asking.pages(known.incidents, limit=1)] == [
            ["a b/c"],
            ["older"],
        ]
        assert known.runbook("models.md").startswith("# ")
        assert known.halt({"by": "Ada", "action": "*"})["id"].startswith("halt:*:")
        with pytest.raises(api.RefusedError, match=r"incident: none has the id 'x\?y'"):
            known.incident("x?y")


def test_the_command_line_tells_what_a_problem_says(client: Client) -> None:
    with pages.served(client.application) as url, pytest.raises(api.RefusedError, match="incident: none has the id"):
        api.call(url, "GET", "/v1/incidents/none")
