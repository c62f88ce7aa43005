"""Versions over HTTP and by `aia models`: those of a model, and how two of them differ."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from core.versions import AliasChange, AliasName, Metric, Version
from functions.adapters.registries import record
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
NAME = pages.MODEL.name
SEVEN = Version(
    model=NAME,
    version="7",
    reference_start=AT - 60 * DAY,
    reference_end=AT - 30 * DAY,
    created_at=AT,
    parameters={"rounds": 100},
    metrics={"auc": Metric(value=0.7, low=0.68, high=0.72)},
)
EIGHT = replace(
    SEVEN,
    version="8/b",
    created_at=AT + DAY,
    reference_end=AT,
    parameters={"rounds": 300},
    metrics={"auc": Metric(value=0.75, low=0.73, high=0.77)},
    requested_by="person:ann",
    registry="mlflow",
    registry_uri="models:/delay/2",
)
CHANGE = AliasChange(
    model=NAME,
    alias=AliasName.CHALLENGER,
    version="8/b",
    share=5,
    changed_at=AT + DAY,
    changed_by="person:ann",
    why="new",
)


@pytest.fixture
def rows() -> Rows:
    changes = [asdict(CHANGE), asdict(replace(CHANGE, version="7", changed_at=AT))]
    broken = record.row(SEVEN) | {"version": "6", "metrics": "{"}
    return Rows(
        model_versions_in_use=[{"version": "7"}],
        model_aliases=changes,
        model_versions=[record.row(EIGHT), record.row(SEVEN), broken],
    )


@pytest.fixture
def url(rows: Rows) -> Iterator[str]:
    world = Breaking(now=AT)
    store = MemoryStore(world)
    made = pages.services(store, rows, ApiFixture(store, lambda: AT), lambda: AT)
    with pages.served(pages.application(made)) as address:
        yield address


def aia(url: str, *arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["models", "--url", url, *arguments])


def lines(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in result.output.splitlines() if "│" in line]


def test_versions_are_shown_with_their_metrics_aliases_and_who_asked(url: str) -> None:
    eight, seven, six = lines(aia(url, "show", NAME))
    assert eight[1:] == [
        "2026-06-02",
        "2026-04-02 to 2026-06-01",
        "auc 0.75 (0.73 to 0.77)",
        "person:ann",
        "challenger 5%",
        "models:/delay/2",
    ]
    assert (seven[0], seven[4], seven[5]) == ("7", "not known", "in use")
    assert six[2].startswith(f"{NAME} 6: ")


def test_versions_are_shown_as_json(url: str) -> None:
    found: dict[str, Any] = json.loads(aia(url, "show", NAME, "--json").output)
    assert (found["in_use"], [one["version"] for one in found["versions"]]) == ("7", ["8/b", "7", "6"])
    assert [one["version"] for one in found["changes"]] == ["8/b", "7"]


def test_versions_and_the_changes_of_their_aliases_are_of_a_range(url: str) -> None:
    for query, versions, changes in (
        ({"since": AT + DAY}, ["8/b"], ["8/b"]),
        ({"until": AT + DAY}, ["7", "6"], ["7"]),
        ({"since": AT, "until": AT + 2 * DAY}, ["8/b", "7", "6"], ["8/b", "7"]),
    ):
        given = {name: at.isoformat() for name, at in query.items()}
        found = requests.get(f"{url}/v1/models/{NAME}/versions", params=given, timeout=20).json()
        assert [one["version"] for one in found["versions"]] == versions
        assert [one["version"] for one in found["changes"]] == changes
        assert found["in_use"] == "7"


def test_a_difference_says_whether_it_is_beyond_chance(url: str) -> None:
    found = {row[0]: row[1:] for row in lines(aia(url, "diff", NAME, "7", "8/b"))}
    assert found["rounds"] == ["100", "300", ""]
    assert found["auc"] == ["0.7 (0.68 to 0.72)", "0.75 (0.73 to 0.77)", "+0.05, intervals do not overlap"]
    assert found["requested_by"] == ["-", "person:ann", ""]
    told = json.loads(aia(url, "diff", NAME, "7", "8/b", "--json").output)
    assert (told["before"], told["after"], told["metrics"]["auc"]["overlap"]) == ("7", "8/b", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nobody"), "model: no model is called 'nobody'"),
        (("diff", NAME, "7", "9"), f"version: {NAME} has no version '9'"),
        (("diff", NAME, "7", "6"), f"{NAME} 6: "),
    ],
)
def test_what_is_not_there_is_said(url: str, rows: Rows, arguments: tuple[str, ...], said: str) -> None:
    if arguments[1] == "nobody":
        rows.answers = {}
    result = aia(url, *arguments)
    assert (result.exit_code, said in result.output) == (2, True)


def test_a_model_without_versions_says_so(url: str, rows: Rows) -> None:
    rows.answers = {}
    assert aia(url, "show", NAME).output == f"{NAME}: no version is registered\n"
