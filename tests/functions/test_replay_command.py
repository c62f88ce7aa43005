"""`aia replay`: files and settings in, a comparison and an exit status out."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.events import Verb
from core.incidents.policy import incident_policy
from functions.adapters.config import load_yaml
from functions.cli.main import main
from functions.services.replay.settings import read
from infra import stage
from tests.support.builders.decided import write_decisions
from tests.support.builders.replayed_night import GUIDE, NEW, NIGHT, OLD, night
from tests.support.fakes.outside import FINDING, MemoryChannel, set_up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replay")
    (folder / "old.yaml").write_text(OLD)
    (folder / "new.yaml").write_text(NEW)
    write_decisions(night(drifts=20, after=3).world.decided, folder / "night.jsonl")
    return folder


@pytest.fixture(autouse=True)
def _there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def aia(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["replay", *arguments])


def replayed(settings: str, *arguments: str) -> Result:
    return aia("--settings", settings, "--from", "night.jsonl", *arguments)


def test_the_example_of_the_guide_is_what_the_command_prints() -> None:
    [shown] = re.findall(r"<!-- output -->\n\n```text\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    result = replayed("new.yaml")
    assert result.exit_code == 0, result.output
    assert "\n".join(line.rstrip() for line in result.stdout.splitlines()) == shown.rstrip()


def test_with_the_same_settings_nothing_differs() -> None:
    result = replayed("old.yaml", "--fail-on", "any", "--format", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["messages"] == {"same": 4, "earlier": 0, "later": 0, "added": 0, "removed": 0}
    assert found["differences"] == []


def test_json_says_for_each_channel_what_would_differ() -> None:
    found = json.loads(replayed("new.yaml", "--format", "json").stdout)
    [ada] = [one for one in found["channels"] if one["channel"] == "ada-phone"]
    assert (ada["people"], ada["pages"], ada["would_page"], ada["woken"], ada["would_wake"]) == (["Ada"], 1, 0, 1, 0)
    gone = [(one["verdict"], one["told"]["channel"], one["told"]["change"]) for one in found["differences"]]
    assert gone == [("removed", "ada-phone", "escalated"), ("removed", "ada-phone", "resolved")]


@pytest.mark.parametrize(
    ("settings", "fail_on", "status"),
    [
        ("new.yaml", "any", 1),
        ("new.yaml", "fewer-pages", 1),
        ("new.yaml", "more-pages", 0),
        ("new.yaml", "more-messages", 0),
        ("new.yaml", "more-out-of-hours", 0),
        ("new.yaml", "actions", 0),
        ("new.yaml", "none", 0),
        ("sooner.yaml", "more-pages", 0),
        ("louder.yaml", "more-pages", 1),
        ("louder.yaml", "more-out-of-hours", 1),
        ("acting.yaml", "actions", 1),
    ],
)
def test_the_exit_status_says_whether_what_was_asked_for_was_found(
    folder: Path, settings: str, fail_on: str, status: int
) -> None:
    sooner = OLD.replace("wait: 5m", "wait: 3m")
    louder = OLD.replace("{to: [technical], wait: 5m}, ", "{to: [technical, on-call], wait: 5m}, ")
    (folder / "sooner.yaml").write_text(sooner)
    (folder / "louder.yaml").write_text(louder)
    (folder / "acting.yaml").write_text(
        OLD + "playbooks:\n  - {name: p, when: {}, do: [{action: collect_diagnostics}]}\n"
    )
    result = replayed(settings, "--fail-on", fail_on)
    assert result.exit_code == status, result.output


def test_a_page_that_comes_at_another_time_is_earlier_or_later() -> None:
    (Path.cwd() / "sooner.yaml").write_text(OLD.replace("wait: 5m", "wait: 3m"))
    found = json.loads(replayed("sooner.yaml", "--format", "json").stdout)
    assert [(one["verdict"], one["would"]["channel"]) for one in found["differences"]] == [("earlier", "ada-phone")]
    assert found["differences"][0]["would"]["at"] == "2026-01-06T02:03:00Z"


def test_hours_say_which_pages_wake_people() -> None:
    found = json.loads(replayed("old.yaml", "--format", "json", "--hours", "mon-sun 00:00-06:00").stdout)
    assert [one["woken"] for one in found["channels"]] == [0, 0]
    found = json.loads(replayed("old.yaml", "--format", "json", "--pages", "technical").stdout)
    assert {one["channel"]: one["woken"] for one in found["channels"]} == {"ada-phone": 1, "technical": 1}


def test_who_is_on_call_for_a_time_only_is_paged_like_everybody_on_call(folder: Path) -> None:
    override = (
        "overrides: [{from: 2026-01-06T00:00:00Z, until: 2026-01-06T08:00:00Z, person: Linus, channels: [linus-phone]}]"
    )
    channels = OLD.replace("channels:\n", "channels:\n  - {name: linus-phone, kind: console}\n")
    (folder / "linus.yaml").write_text(channels.replace("people: [{", f"{override}, people: [{{"))
    result = replayed("linus.yaml", "--format", "json", "--fail-on", "more-out-of-hours")
    found = {one["channel"]: one for one in json.loads(result.stdout)["channels"]}
    linus = found["linus-phone"]
    assert (linus["people"], linus["would_wake"], result.exit_code) == (["Linus"], 1, 1)


def test_the_page_shows_every_difference_and_escapes_what_is_foreign(folder: Path) -> None:
    wild = (folder / "night.jsonl").read_text().replace("departure_delay drifted", "<script>drifted")
    (folder / "wild.jsonl").write_text(wild)
    result = aia("--settings", "new.yaml", "--from", "wild.jsonl", "--format", "html")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("<td>removed</td>") == 2
    assert "<script>" not in result.stdout
    assert "&lt;script&gt;drifted" in result.stdout


def test_what_is_saved_is_replayed_the_same(folder: Path) -> None:
    first = replayed("new.yaml", "--save", "saved.jsonl", "--format", "json").stdout
    (folder / "twice.jsonl").write_text((folder / "saved.jsonl").read_text() * 2)
    assert aia("--settings", "new.yaml", "--from", "twice.jsonl", "--format", "json").stdout == first


def test_what_came_before_is_replayed_and_not_compared() -> None:
    found = json.loads(replayed("old.yaml", "--format", "json", "--since", "10m").stdout)
    assert found["messages"]["same"] == 2  # of the recovery
    assert found["since"] == "2026-01-06T02:13:00Z"
    cold = json.loads(replayed("old.yaml", "--format", "json", "--since", "10m", "--warm-up", "1m").stdout)
    assert cold["messages"] == {"same": 0, "earlier": 0, "later": 0, "added": 0, "removed": 2}


def test_without_findings_there_is_no_verdict(folder: Path) -> None:
    (folder / "empty.jsonl").write_text("\n")
    assert aia("--settings", "new.yaml", "--from", "empty.jsonl").exit_code == 0
    result = aia("--settings", "new.yaml", "--from", "empty.jsonl", "--fail-on", "any")
    assert (result.exit_code, result.stderr) == (3, "no decision of that time is kept\n")


LINE = '{"id":"1","kind":"finding","incident_group":"g","revision":1,"event_id":"e","target":"t","event":"{}",'
TIMES = '"published_at":"2026-01-06T02:00:00Z","decided_at":"2026-01-06T02:00:00Z"}'


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{}", "broken.jsonl:1: must be a row of ops.incident_decisions: Object missing required field `id`"),
        ("\n[", "broken.jsonl:2: must be a row of ops.incident_decisions: Expected `object`, got `array`"),
        (LINE + TIMES, "row 1: event: must be a finding: Object missing required field `target`"),
        (LINE.replace("finding", "guess") + TIMES, "broken.jsonl:1: must be a row of ops.incident_decisions: Invalid"),
        ("\x00\xff", "broken.jsonl:1: must be a row"),
    ],
)
def test_a_file_that_is_not_one_of_decisions_is_refused_with_its_line(folder: Path, text: str, fault: str) -> None:
    (folder / "broken.jsonl").write_text(text, encoding="latin-1")
    result = aia("--settings", "new.yaml", "--from", "broken.jsonl")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {fault}")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--settings", "none.yaml", "--from", "night.jsonl"), "none.yaml: must be a file that can be read"),
        (("--settings", "new.yaml", "--from", "none.jsonl"), "none.jsonl: must be a file that can be read"),
        (("--settings", "new.yaml"), "--project: must be given, or GOOGLE_CLOUD_PROJECT, where there is no --from"),
        (("--settings", "new.yaml", "--since", "a month"), "--since: must be a time, as in 12h or 30d, got 'a month'"),
        (("--settings", "new.yaml", "--hours", "always"), "--hours: must be as in mon-fri 08:00-18:00, got 'always'"),
        (
            ("--settings", "new.yaml", "--from", "night.jsonl", "--save", "none/x"),
            "--save: none/x cannot be written: No such file or directory",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: tuple[str, ...], fault: str) -> None:
    result = aia(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {fault}")
    assert len(result.stderr.splitlines()) == 1


def test_settings_are_refused_with_every_fault_of_what_decisions_follow(folder: Path) -> None:
    (folder / "wrong.yaml").write_text(OLD.replace("wait: 5m", "wait: soon").replace("[on-call]", "[of-call]"))
    result = replayed("wrong.yaml")
    assert result.exit_code == 2
    assert "stakeholders.technical.tiers[0].wait" in result.stderr
    assert "of-call" in result.stderr


def test_without_credentials_it_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "none.json")
    refused = aia("--settings", "new.yaml", "--project", "p")
    assert refused.exit_code == 2
    assert refused.output.startswith("Error: bigquery: no credentials: File none.json was not found")


def test_settings_need_no_environment() -> None:
    settings, pagers = read(load_yaml(stage.ROOT / "infra" / "monitoring.yaml"))
    assert {channel.name for channel in settings.channels} >= {"technical", "ada"}
    assert pagers == {"ada", "grace"}


def test_an_incident_that_would_be_part_of_another_one_is_named(folder: Path) -> None:
    settings, _ = read(load_yaml(folder / "old.yaml"))
    setup = set_up(policy=incident_policy(settings, ""))
    setup.service.dispatcher.channels["technical"] = MemoryChannel(setup.world)
    setup.world.now = NIGHT
    for target in ("service/flights", "service/delay"):
        setup.give(replace(FINDING, target=target, observed_at=setup.world.now))
        setup.world.now += timedelta(minutes=1)
    setup.command(Verb.ACKNOWLEDGE, subject=min(setup.world.incidents()))
    write_decisions(setup.world.decided, folder / "two.jsonl")
    (folder / "joined.yaml").write_text(OLD + "dependencies:\n  - {from: service/delay, to: service/flights}\n")
    result = aia("--settings", "joined.yaml", "--from", "two.jsonl", "--format", "json")
    found = json.loads(result.stdout)
    assert [(one["target"], one["into_target"]) for one in found["merged"]] == [("service/delay", "service/flights")]
    assert found["skipped"] == 0
