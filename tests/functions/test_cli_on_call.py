"""The commands of people on call: what `aia` lists and shows of a night, what it asks for, and its exit statuses."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from threading import Timer

import pytest
from click.testing import CliRunner

from core.events import Severity, Verb
from core.incidents.commands import VERBS
from functions.cli.incidents import incidents as group
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.on_call import ACTION, CHURN, DELAY, FAILS, RUNS, aia, keep_run
from tests.support.builders.pages import ApiFixture, Rows

pytest_plugins = ["tests.support.builders.on_call_fixtures"]
NOWHERE = "http://127.0.0.1:9"


def said(*arguments: str) -> str:
    """What it prints, with each run of blanks as one."""
    result = aia(*arguments)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def ids(*arguments: str) -> list[str]:
    return [one["id"] for one in json.loads(aia("incidents", "--json", *arguments).output)]


def test_the_incidents_that_are_not_over_are_listed_with_what_they_cost_and_who_has_them(url: str) -> None:
    table = said("incidents")
    assert (
        "│ critical │ 14 min │ churn is right in 71% of its answers, 85% are agreed on │ nobody │ "
        f"│ open │ $4,200/h │ {CHURN} │ │" in table
    )
    assert "PSI 0.61 │ Grace │ │ acknowledged │ $600/h │" in table
    assert "probe-db" not in table


def test_an_id_is_whole_on_a_small_terminal(url: str) -> None:
    table = aia("incidents", columns=80).output
    assert all(name in table for name in (CHURN, DELAY))
    assert max(map(len, table.splitlines())) <= 80


def test_what_is_not_known_of_the_costs_is_not_shown_as_nothing(url: str, office: ApiFixture, now: datetime) -> None:
    down = pages.condition("service/a", "down", Severity.ERROR, now, "[/red] \x1b[31ma is down")
    office.keep(pages.incident("service-a-20261123-00000001", [down], now))
    table = said("incidents", "--target", "service/*")
    assert "│ [/red] [31ma is down │ nobody │ │ open │ not known │ service-a-20261123-00000001 │" in table
    assert "$" not in table


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--severity", "error"], [DELAY]),
        (["--target", "endpoint/*"], [CHURN]),
        (["--state", "acknowledged"], [DELAY]),
        (["--state", "resolved", "--limit", "1"], ["probe-db-20261120-aaaa0003"]),
        (["--state", "cancelled"], ["probe-db-20261121-aaaa0004"]),
        (["--category", "model_quality"], [CHURN]),
        (["--person", "grace"], [DELAY]),
        (["--search", "departure_delay features"], [DELAY]),
        (["--since", "20m"], [CHURN]),
        (["--state", "all", "--target", "model/*"], [CHURN, DELAY]),
        (["--target", "model/zzz"], []),
    ],
    ids=lambda given: " ".join(given) if given[:1] and given[0][0] == "-" else "",
)
def test_incidents_are_chosen(url: str, arguments: list[str], found: list[str]) -> None:
    assert ids(*arguments) == found


def test_a_limit_says_what_it_left_out_and_an_empty_list_that_it_is_empty(url: str) -> None:
    assert said("incidents", "--limit", "1").endswith("the first 1; --limit shows more")
    assert said("incidents", "--target", "model/zzz") == "no incident matches"


def test_an_incident_of_which_only_the_history_tells_has_no_known_owner(url: str, rows: Rows, now: datetime) -> None:
    ended = now - timedelta(days=90)
    told = {"id": "table-old-1", "title": "late", "target": "table/old", "severity_rank": 2}
    rows.answers["incident_changes"] = [told | {"opened_at": ended - timedelta(hours=1), "resolved_at": ended}]
    found = said("incidents", "--state", "resolved", "--target", "table/*")
    assert "│ late │ not known │ │ resolved │ not known │ table-old-1 │" in found


def test_an_incident_is_shown_on_a_screen(url: str) -> None:
    text = said("incidents", "show", CHURN)
    for part in (
        "critical open: churn is right in 71% of its answers, 85% are agreed on",
        " UTC (14 min ago)",
        "At risk $4,200/h (90% interval $3,100 to $5,300): stream/retention: half of $6,000 an hour",
        "What model/churn: churn is right in 71% of its answers, 85% are agreed on. Observed 71%: 16% below the threshold",
        f"Runbook {url}/runbooks/models.md#accuracy",
        f"awaiting approval (needs approval), endpoint churn: 100% of the traffic from model 7 back to model 6; aia actions approve '{ACTION}'",
        f"To take it aia ack {CHURN}",
        "Who has it nobody",
        "Notified technical, log, ada; reached: technical (tier 2)",
        "opened (first firing): p95 of endpoint churn is 2.4 s",
    ):
        assert part in text
    lines = aia("incidents", "show", CHURN, columns=60).output.splitlines()
    assert max(map(len, lines)) <= 60
    assert json.loads(aia("incidents", "show", CHURN, "--json").output)["id"] == CHURN


def test_no_colour_where_nobody_sees_it_or_wants_it(url: str) -> None:
    assert "\x1b[1;31mcritical" in aia("incidents", FORCE_COLOR="1").output
    for variables in ({}, {"NO_COLOR": "1", "FORCE_COLOR": "1"}):
        assert "31m" not in aia("incidents", **variables).output


def test_every_verb_about_incidents_is_a_command() -> None:
    assert set(group.commands) == {"show", *(verb.value.replace("_", "-") for verb in VERBS)}


@pytest.mark.parametrize(
    ("arguments", "verb", "fields"),
    [
        (["ack", CHURN, "--note", "on it"], Verb.ACKNOWLEDGE, {"note": "on it"}),
        (["ack", CHURN, "--target", "model/churn"], Verb.ACKNOWLEDGE, {"target": "model/churn"}),
        (["incidents", "acknowledge", CHURN], Verb.ACKNOWLEDGE, {}),
        (["incidents", "take-over", CHURN, "--to", "Bob"], Verb.TAKE_OVER, {"to": "Bob"}),
        (["incidents", "give-back", DELAY], Verb.GIVE_BACK, {}),
        (["incidents", "mitigate", CHURN, "--why", "rolled back"], Verb.MITIGATE, {"note": "rolled back"}),
        (["incidents", "resolve", CHURN], Verb.RESOLVE, {}),
        (["incidents", "cancel", CHURN], Verb.CANCEL, {}),
        (["incidents", "reopen", "probe-db-20261120-aaaa0003"], Verb.REOPEN, {}),
        (["incidents", "comment", CHURN, "--note", "a disk"], Verb.COMMENT, {"note": "a disk"}),
        (["incidents", "merge", CHURN, "--to", DELAY], Verb.MERGE, {"to": DELAY}),
        (["actions", "approve", ACTION, "--why", "yes"], Verb.APPROVE, {"note": "yes"}),
        (["actions", "reject", ACTION], Verb.REJECT, {}),
        (["halt", "--all", "--why", "a storm"], Verb.HALT, {"subject": "*", "note": "a storm"}),
        (["halt", "retrain_model", "--why", "costs"], Verb.HALT, {"subject": "retrain_model"}),
        (["unsilence", "table/staging.*"], Verb.UNSILENCE, {"subject": "table/staging.*"}),
        (
            ["silence", "model/churn", "--for", "2h", "--why", "x"],
            Verb.SILENCE,
            {"subject": "model/churn", "note": "x"},
        ),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_what_a_person_says_is_published_with_who_and_why(
    url: str, office: ApiFixture, arguments: list[str], verb: Verb, fields: dict[str, object]
) -> None:
    office.obeys = False
    result = aia(*arguments)
    assert result.exit_code == 0, result.output
    [(_, command, _)] = office.published
    assert (command.verb, command.by) == (verb, "Ada")
    assert f"{command.id}: accepted" in result.output
    assert {name: getattr(command, name) for name in fields} == fields


def test_an_acknowledgement_is_seen_in_the_list(url: str) -> None:
    assert json.loads(aia("ack", CHURN, "--json").output)["id"].startswith(f"acknowledge:{CHURN}:")
    assert "acknowledged" in said("incidents", "--target", "endpoint/*")
    assert "Who has it Ada since" in said("incidents", "show", CHURN)


def test_silences_are_listed_with_what_they_miss(url: str, office: ApiFixture, now: datetime) -> None:
    asked = ("silence", "model/chrun", "--for", "1h", "--why", "training")
    refused = aia(*asked)
    assert (refused.exit_code, office.published) == (2, [])
    assert "did you mean 'model/churn'?" in refused.stderr
    made = aia(*asked, "--anyway")
    assert (made.exit_code, made.stderr) == (
        0,
        "warning: model/chrun: matches 0 of 9 known targets; did you mean 'model/churn'?\n",
    )
    assert office.published[0][1].until == now + timedelta(hours=1)
    table = said("silences")
    assert "│ table/staging.* │" in table
    assert "│ Ada │ training; matches 0 of 9 known targets; did you mean 'model/churn'? │" in table
    assert aia("unsilence", "model/chrun").exit_code == 0
    assert "chrun" not in said("silences")
    assert aia("unsilence", "table/staging.*").exit_code == 0
    assert said("silences") == "nothing is silenced"


def test_actions_are_listed_with_the_switches(url: str) -> None:
    text = said("actions")
    assert text.startswith("automation: enabled")
    assert "│ awaiting approval: needs approval │ rollback_model │ model/churn │" in text
    assert text.endswith(f"aia actions approve '{ACTION}'")
    assert aia("halt", "--all", "--why", "a storm").exit_code == 0
    assert aia("halt", "retrain_model", "--why", "costs").exit_code == 0
    text = said("actions")
    assert re.search(r"halted: every action, by Ada at .{20}; aia resume --all ends it", text)
    assert text.count("aia resume retrain_model ends it") == 1
    assert aia("resume", "--all", "--why", "over").exit_code == 0
    assert "every action" not in said("actions")


def test_the_history_of_actions_that_does_not_answer_is_not_known(url: str, rows: Rows) -> None:
    rows.down = True
    result = aia("actions")
    assert (result.exit_code, "recent actions: not known" in result.output) == (3, True)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["incidents", "show", "zzz"], 2, "Error: incident: none has the id 'zzz'"),
        (["ack", "probe-db-20261120-aaaa0003"], 2, "Error: incident: must not be over, is resolved"),
        (["silence", "model/*", "--for", "90s", "--why", "x"], 2, "Error: --for: must be whole minutes, as in 30m, 2h or 3d, from 1m to 30d, got '90s'"),
        (["silence", "model/*", "--for", "60d", "--why", "x"], 2, "Error: --for: must be whole minutes, as in 30m, 2h or 3d, from 1m to 30d, got '60d'"),
        (["incidents", "--since", "1y"], 2, "Error: --since: must be a time, as in 30m, 2h or 3d, got '1y'"),
        (["unsilence", "zzz"], 2, "Error: pattern: nothing is silenced by 'zzz'"),
        (["resume", "--all", "--why", "x"], 2, "Error: action: must be halted to be resumed, '*' is not"),
        (["halt", "--why", "x"], 2, "Error: give the name of an action, or --all"),
        (["probes", "zzz"], 2, "Error: zzz: no probe is called so; aia probes lists them"),
        (["pipelines", "zzz"], 2, "Error: name: no pipeline is called 'zzz'"),
        (["incidents", "--url", NOWHERE], 3, f"Error: {NOWHERE}: does not answer as an API:"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line_with_its_exit_status(
    url: str, arguments: list[str], status: int, says: str
) -> None:
    result = aia(*arguments)
    assert (result.exit_code, result.output) == (status, result.stderr)
    assert result.stderr.splitlines()[-1].startswith(says)


def test_an_api_that_cannot_answer_at_the_moment_is_not_known(url: str, office: ApiFixture) -> None:
    office.down = True
    result = aia("ack", CHURN)
    assert (result.exit_code, result.stderr) == (3, "Error: bus: commands does not answer\n")


@pytest.mark.parametrize(("firing", "state"), [("firing", "down"), ("resolved", "up"), ("", "not known")])
def test_probes_are_up_down_or_not_known(url: str, office: ApiFixture, now: datetime, firing: str, state: str) -> None:
    times = {"checked_at": now, "since": now - timedelta(minutes=3)}
    measured = {"detail": "", "latency": 0.012, "month_availability": 0.9995, "budget": None}
    if firing:
        office.store.create("probes", "db", {"name": "db", "kind": "tcp", "status": firing, **times, **measured})
    assert f"│ db │ {state} │" in said("probes")
    assert aia("probes", "--fail").exit_code == {"up": 0, "down": 1, "not known": 3}[state]


def test_with_fail_an_incident_that_is_not_over_is_an_exit_status(url: str) -> None:
    assert aia("incidents", "--fail").exit_code == 1
    assert aia("incidents", "--fail", "--state", "resolved").exit_code == 0


def test_pipelines_are_shown_with_their_newest_run(url: str, office: ApiFixture) -> None:
    keep_run(office, *RUNS)
    assert "│ etl │ no runs │ r0 │ running │ 2 min │ not known │ train │ not known │" in said("pipelines")
    assert [one["name"] for one in json.loads(aia("pipelines", "etl", "--json").output)] == ["etl"]
    assert aia("pipelines", "--fail").exit_code == 3


@pytest.fixture
def failing(office: ApiFixture) -> Iterator[None]:
    """A run that goes on, and fails in a moment."""
    keep_run(office, *RUNS)
    later = Timer(0.3, keep_run, (office, *FAILS))
    later.start()
    yield
    later.join()


def test_a_followed_pipeline_says_each_change_until_its_run_has_ended(url: str, failing: None) -> None:
    result = aia("pipelines", "etl", "--follow", "--every", "0.1", "--until-idle", "--fail")
    assert [line.partition("  ")[2] for line in result.output.splitlines()] == [
        "etl r0: running",
        "etl r0 train: running",
        "etl r0 train: failed after 60 s",
        "etl r0: failed after 3 min",
    ]
    assert result.exit_code == 1


def test_on_a_terminal_a_followed_pipeline_is_a_table_in_place(url: str, failing: None) -> None:
    output = aia("pipelines", "--follow", "--every", "0.1", "--until-idle", FORCE_COLOR="1").output
    before, _, after = output.partition("\x1b[1A")
    assert "running" in before
    assert "failed" in after
    assert "running" not in after.rpartition("\x1b[1A")[2]


def test_the_completion_of_each_shell_is_printed() -> None:
    for shell, has in (("bash", "complete -o nosort"), ("zsh", "#compdef aia"), ("fish", "complete --no-files")):
        script = said("completion", shell)
        assert has in script
        assert "_AIA_COMPLETE" in script


def completed(*words: str) -> list[str]:
    """What bash is given for the last word."""
    given = {"_AIA_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(("aia", *words)), "COMP_CWORD": str(len(words))}
    lines = CliRunner(env=given).invoke(main, prog_name="aia").output.splitlines()
    return [line.partition(",")[2] for line in lines if line]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["inc"], ["incidents"]),
        (["ack", ""], [CHURN, DELAY]),
        (["incidents", "reopen", "probe"], ["probe-db-20261120-aaaa0003", "probe-db-20261121-aaaa0004"]),
        (["incidents", "take"], ["take-over"]),
        (["incidents", "--severity", "cri"], ["critical"]),
        (["actions", "approve", "endpoint"], [ACTION]),
        (["halt", "retrain"], ["retrain_model"]),
        (["unsilence", ""], ["table/staging.*"]),
        (["silence", "table"], ["table/telemetry.churn"]),
        (["probes", ""], ["db"]),
        (["ack", "--url", NOWHERE, ""], []),
    ],
    ids=" ".join,
)
def test_the_shell_completes_commands_and_what_the_system_has(url: str, words: list[str], found: list[str]) -> None:
    assert completed(*words) == found


def test_the_help_and_the_completion_of_commands_import_no_command() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from functions.cli.main import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "CliRunner(env={'_AIA_COMPLETE': 'bash_complete', 'COMP_WORDS': 'aia in', 'COMP_CWORD': '1'}).invoke(main, prog_name='aia')\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('core', 'infra', 'rich')))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"
