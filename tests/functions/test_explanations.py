"""`aia explain`: a night as the router decided on it, explained by what is in the store and what is kept in the history."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from core.events import Command, Severity, Verb
from core.incidents.policy import incident_policy
from core.settings import parse
from functions.api.explanations import Explanations
from functions.cli.main import main
from infra.stage import ROOT
from tests.support.builders import pages
from tests.support.builders.decided import decision_rows
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import MemoryStore
from tests.support.fakes.outside import FINDING, MemoryChannel, Setup, set_up

TWO = datetime(2026, 1, 6, 2, tzinfo=UTC)
ADA = {"name": "Ada", "channels": ["ada-phone"]}
SETTINGS = parse(
    {
        "version": 1,
        "jobs": {"incident_sweep": "* * * * *"},
        "channels": [{"name": "technical", "kind": "console"}, {"name": "ada-phone", "kind": "console"}],
        "rotations": [{"name": "on-call", "start": "2026-01-01T00:00:00Z", "every": "7d", "people": [ADA]}],
        "stakeholders": {
            "technical": {"tiers": [{"to": ["technical"], "wait": "5m"}, {"to": ["on-call"]}]},
            "executive": {"tiers": [{"to": ["technical"]}]},
        },
        "routes": [{"to": ["technical"]}, {"when": {"dollars_per_hour": 10000}, "to": ["executive"]}],
        "dependencies": [{"from": "service/shop", "to": "service/ml", "share": 0.5}],
        "revenue": {"service/shop": {"dollars_per_hour": 2000}},
        "impact": {"raise": {"critical": 400}},
    }
)
POLICY = incident_policy(SETTINGS, "")
GUIDE = (ROOT / "docs" / "command-line.md").read_text()
[EXPLAINED] = re.findall(r"<!-- explained -->\n\n```console\n\$ (.*?)```", GUIDE, re.DOTALL)


@dataclass
class PlayedIncident:
    setup: Setup
    rows: Rows
    incident: str = ""


@pytest.fixture
def night() -> PlayedIncident:
    """A service drifts at two, and another one that depends on it is slow; Ada is called, and answers."""
    setup = set_up(policy=POLICY)
    for name in ("technical", "ada-phone"):
        setup.service.dispatcher.channels[name] = MemoryChannel(setup.world)
    setup.world.now = TWO
    setup.give(replace(FINDING, target="service/ml", severity=Severity.ERROR, observed_at=TWO))
    for _ in range(3):
        setup.sweep(minutes=1)
    slow = {"value": 2.4, "threshold": 0.5, "unit": "seconds", "evidence": {}, "observed_at": setup.world.now}
    setup.give(replace(FINDING, target="service/shop", kind="p95_latency", summary="p95 is 2.4 s", **slow))
    for _ in range(5):
        setup.sweep(minutes=1)
    [incident] = setup.world.incidents()
    setup.give(Command(verb=Verb.ACKNOWLEDGE, subject=incident, by="Ada", at=setup.world.now, note="on it"))
    rows: Any = [msgspec.to_builtins(one, builtin_types=(datetime,)) for one in decision_rows(setup.world.decided)]
    return PlayedIncident(setup=setup, rows=Rows(incident_decisions=rows), incident=incident)


@pytest.fixture
def url(night: PlayedIncident, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    world = night.setup.world
    store = MemoryStore(world)
    made = pages.services(store, night.rows, ApiFixture(store), lambda: world.now)
    explained = Explanations(
        incidents=made.incidents,
        warehouse=night.rows,
        policy=POLICY,
        clock=lambda: world.now,  # type: ignore[arg-type]
    )
    with pages.served(pages.application(replace(made, explanations=explained))) as url:
        monkeypatch.setenv("AIA_API_URL", url)
        yield url


def aia(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["explain", *arguments])


def test_the_example_of_the_guide_explains_a_night_from_the_finding_to_the_message(
    url: str, night: PlayedIncident
) -> None:
    command, _, printed = EXPLAINED.partition("\n")
    assert command == f"aia explain {night.incident}"
    result = aia(night.incident)
    assert result.exit_code == 0, result.output
    assert "".join(f"{line.rstrip()}\n" for line in result.output.splitlines()) == printed


def test_the_history_is_asked_for_the_findings_that_changed_it_and_for_its_messages(
    url: str, night: PlayedIncident
) -> None:
    aia(night.incident)
    [asked] = [given for sql, given in night.rows.asked if "incident_decisions" in sql]
    assert asked["names"] == ["service/ml:drift:2026-01-06T02:00:00Z", "service/shop:p95_latency:2026-01-06T02:03:00Z"]
    kept = night.rows.answers["incident_decisions"]
    assert set(asked["names"]) == {row["event_id"] for row in kept if row["kind"] == "finding"}
    delivered = [row["event_id"] for row in kept if row["kind"] == "delivery"]
    assert len(delivered) == 4
    assert all(key.startswith(f"{asked['incident']}:") for key in delivered)


def test_without_the_history_the_rest_is_explained_and_that_is_told(url: str, night: PlayedIncident) -> None:
    night.rows.down = True
    result = aia(night.incident)
    assert result.exit_code == 3
    assert "what became of messages: not known" in result.output
    assert "kind contains drift" in result.output
    assert json.loads(aia(night.incident, "--json").output)["complete"] is False


def test_a_row_of_another_form_is_no_explanation_without_reason(url: str, night: PlayedIncident) -> None:
    night.rows.answers["incident_decisions"][0]["event"] = "{}"
    assert "what became of messages: not known" in aia(night.incident).output


def test_an_incident_that_is_not_there_is_refused(url: str) -> None:
    result = aia("zzz")
    assert (result.exit_code, result.stderr) == (2, "Error: incident: none has the id 'zzz'\n")
