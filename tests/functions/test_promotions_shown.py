"""Promotions over HTTP and by `aia models`: the looks of an experiment, and the commands to promote and to roll back."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from core.detection import Outcome
from core.events import Verb
from core.experiments import Decision, Evidence, Reason
from core.promotion import Entrant, begin
from core.settings import Mode, Promotion
from functions.cli.main import main
from functions.promotion import looks
from functions.services.promotions import COLLECTION, Record, record_data
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

AT = datetime(2026, 6, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = pages.MODEL.name
STATE = begin(None, Entrant(model=NAME, champion="7", version="8"), Promotion(), AT).state


def look(hour: int, log_e: float) -> dict[str, Any]:
    measure = Evidence(
        outcome=Outcome.NOT_KNOWN, n=2000, advantage=0.02, low=-0.01, high=0.05, log_e_above=log_e, log_e_below=-1
    )
    found = Decision(reason=Reason.NOT_KNOWN, n=2000, measure=measure, guard_rails={}, blocking=(), sample_ratio_p=1.0)
    return looks.row(STATE, Mode.SHADOW, AT + hour * HOUR, found, None)


@pytest.fixture
def world() -> Breaking:
    return Breaking(now=AT)


@pytest.fixture
def office(world: Breaking) -> ApiFixture:
    return ApiFixture(MemoryStore(world), obeys=False)


@pytest.fixture
def url(world: Breaking, office: ApiFixture) -> Iterator[str]:
    rows = Rows(
        experiment_looks=[look(3, 0.5), look(2, 2.0), look(1, 0.1)],
        model_aliases=[],
        model_versions=[{"version": "8", "model": NAME, "created_at": AT}],
    )
    made = pages.services(office.store, rows, office, lambda: AT)
    with pages.served(pages.application(made)) as address:
        yield address


def begun(office: ApiFixture) -> None:
    office.store.create(COLLECTION, NAME, record_data(Record(state=STATE)))


def aia(url: str, *arguments: str) -> Result:
    return CliRunner(env={"LOGNAME": "ann"}).invoke(main, ["models", "--url", url, *arguments])


def test_the_experiment_has_its_looks_with_the_evidence_so_far(url: str, office: ApiFixture) -> None:
    begun(office)
    with urllib.request.urlopen(f"{url}/v1/models/{NAME}/experiment") as answer:
        found = json.load(answer)
    assert (found["promotion"]["stage"], found["promotion"]["challenger"]) == ("comparison", "8")
    assert [(one["version"], one["share"]) for one in found["promotion"]["traffic"]] == [("7", 100), ("8", 0)]
    assert [one["look_at"][11:13] for one in found["looks"]] == ["01", "02", "03"]
    p_values = [round(one["p_above"], 3) for one in found["looks"]]
    assert p_values == [0.905, 0.135, 0.135]  # evidence is not taken back
    newest = found["looks"][-1]
    assert (newest["decision"], newest["reason"], newest["dollars_a_month"]) == ("continue", "not_known", None)
    assert newest["measure"]["advantage"] == 0.02


@pytest.mark.parametrize(
    ("arguments", "verb", "to"),
    [
        (("promote", NAME), Verb.PROMOTE, ""),
        (("promote", NAME, "8"), Verb.PROMOTE, "8"),
        (("rollback", NAME), Verb.ROLL_BACK, ""),
    ],
)
def test_a_command_is_published_with_its_author_and_reason(
    url: str, office: ApiFixture, arguments: tuple[str, ...], verb: Verb, to: str
) -> None:
    begun(office)
    result = aia(url, *arguments, "--why", "better")
    assert result.exit_code == 0, result.output
    [(topic, command, attributes)] = office.published
    assert (topic, attributes) == ("commands", {"verb": verb.value})
    assert (command.verb, command.subject, command.by, command.note, command.to) == (verb, NAME, "ann", "better", to)
    assert json.loads(aia(url, *arguments, "--why", "better", "--json").output) == {"id": command.id}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", NAME, "--why", "so"), f"version: must be given, {NAME} has no challenger"),
        (("promote", NAME, "9", "--why", "so"), f"version: {NAME} has no version '9'"),
        (("promote", "nobody", "--why", "so"), "model: no model is called 'nobody'"),
        (("rollback", "nobody", "--why", "so"), "model: no model is called 'nobody'"),
        (("rollback", NAME, "--why", " "), "note: must be 1 to 300 printable characters"),
        (("rollback", NAME), "Missing option '--why'"),
    ],
)
def test_what_cannot_be_is_refused(url: str, office: ApiFixture, arguments: tuple[str, ...], said: str) -> None:
    result = aia(url, *arguments)
    assert (result.exit_code, said in result.output) == (2, True), result.output
    assert office.published == []
