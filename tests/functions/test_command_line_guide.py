"""The guide to the command line, run as it is written: each of its commands, over a bad night in memory."""

import re
import shlex
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby, pairwise
from pathlib import Path

import click
import msgspec
import pytest

from core.access import Role
from functions.cli.incidents import incidents as group
from functions.cli.main import main
from infra.stage import ROOT
from tests.support.builders import pages
from tests.support.builders.on_call import ACTION, CHURN, DELAY, FAILS, aia, keep_run
from tests.support.builders.pages import ApiFixture, Rows

pytest_plugins = ["tests.support.builders.on_call_fixtures"]
GUIDE = (ROOT / "docs" / "command-line.md").read_text()
STATUS = "echo $?"
_, _, AFTER = GUIDE.partition("<!-- explained -->")
"""Of another night, which `test_explanations.py` has: the first block after this."""


def steps() -> Iterator[tuple[str, str]]:
    """The commands of the guide in their order, each with what it prints there."""
    explained = re.findall(r"```console\n(.*?)```", AFTER, re.DOTALL)[0]
    for block in re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL):
        if block != explained:
            yield from re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)


def comparable(text: str) -> str:
    """The text without what differs from night to night, and without the widths of tables."""
    for pattern, stands_for in (
        (r"http://127\.0\.0\.1:\d+", "URL"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "INSTANT"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "INSTANT"),
    ):
        text = re.sub(pattern, stands_for, text)
    return " ".join(
        "".join(sign for sign, _ in groupby(word)) if "━" in word or "─" in word else word for word in text.split()
    )


def test_each_command_of_the_guide_prints_what_it_says(url: str, office: ApiFixture) -> None:
    keep_run(office, *FAILS)
    every, status = list(steps()), 0
    assert len(every) > 20
    for (command, printed), (following, _) in pairwise([*every, ("", "")]):
        if command == STATUS:
            assert str(status) == printed.strip()
            continue
        result = aia(*shlex.split(command.removeprefix("aia ")), columns=100)
        status = result.exit_code
        assert status == 0 or following == STATUS, result.output
        assert printed == "…\n" or comparable(result.output) == comparable(printed), command


def test_the_guide_names_every_command() -> None:
    _, _, table = GUIDE.partition("## Every command")
    named = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)
    ]
    assert sorted(named) == main.list_commands(None)  # type: ignore[arg-type] # the context is not used


ROLES = dict(re.findall(r"^\| (responder|operator|admin) \| (.*) \|$", GUIDE, re.MULTILINE))
DECIDES = ("--why", "as planned")
ASKS = {
    "ack": [CHURN],
    **{
        f"incidents {verb}": [CHURN]
        for verb in ("acknowledge", "take-over", "give-back", "mitigate", "resolve", "cancel", "reopen", "split")
    },
    "incidents comment": [CHURN, *DECIDES],
    "incidents merge": [CHURN, "--to", DELAY],
    "silence": ["model/churn", "--for", "1h", *DECIDES],
    "unsilence": ["table/staging.*"],
    "channels test": ["log", "--wait", "0"],
    "report --send": ["executive"],
    "costs decide": ["idle", "done"],
    "actions approve": [ACTION],
    "actions reject": [ACTION],
    "halt": ["--all", *DECIDES],
    "resume": ["--all", *DECIDES],
    "models promote": ["churn", *DECIDES],
    "models rollback": ["churn", *DECIDES],
    "models retrain": ["churn", *DECIDES],
    "dead-letters resend": ["a1", *DECIDES],
    "survey upload": ["answers.csv"],
    "models apply": ["model.json"],
    "models remove": ["churn"],
    "tokens create": ["ci"],
    "tokens list": [],
    "tokens revoke": ["ci"],
}
"""What each command is given that needs a role."""
THROUGH = {"watch"}
"""Does what `models apply` and `remove` do, but not without BigQuery."""
SETTINGS = {
    "name": "uplift",
    "owner": "growth",
    "table": "telemetry.uplift",
    "timestamp": "at",
    "id": "id",
    "score": "score",
    "features": {"numeric": ["age"]},
    "reference": {"days": 30},
    "window": "1d",
}


def named_in(row: str) -> set[str]:
    """The commands of a row; verbs that follow `incidents acknowledge` are those of incidents, too."""
    names = re.findall(r"`([^`]+)`", row)
    return {f"incidents {name}" if name in group.commands else name for name in names if name != "acknowledge"}


@pytest.mark.parametrize("role", [Role.RESPONDER, Role.OPERATOR, Role.ADMIN])
def test_each_command_needs_the_role_that_the_guide_says(
    office: ApiFixture, now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answers.csv").write_text(
        "answered_at,stakeholder,question,score,respondent\n2026-01-01T00:00:00Z,executive,nps,9,a\n"
    )
    Path("model.json").write_text(msgspec.json.encode(SETTINGS).decode())
    given = role
    made = pages.services(office.store, Rows(), office, lambda: now)
    monkeypatch.setenv("AIA_SURVEY_SECRET", pages.SURVEY_SECRET)
    with pages.served(pages.application(made, lambda _: "grace@example.com", lambda _: given)) as url:
        monkeypatch.setenv("AIA_API_URL", url)
        for command in named_in(ROLES[role.name.lower()]) - THROUGH:
            arguments = (*command.split(), *ASKS[command])
            given = Role(role - 1)
            refused = aia(*arguments)
            assert (refused.exit_code, f"role: must be {role.name.lower()}" in refused.stderr) == (2, True), command
            given = role
            assert "role: must be" not in aia(*arguments).output, command


def test_the_guide_says_the_role_of_every_command_that_acts() -> None:
    assert {name for row in ROLES.values() for name in named_in(row)} == set(ASKS) | THROUGH


def shown() -> Iterator[tuple[str, list[str]]]:
    """Every command that a guide shows, with where."""
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        if file.parent.name != "decisions":
            for line in re.findall(
                r"(?:`|^\$ |^    |^)(?:\.venv/bin/)?aia ([a-z][^`\n|;]*)", file.read_text(), re.MULTILINE
            ):
                yield f"{file.name}: aia {line}", line.replace("'", " ").split()


def options_of(words: list[str]) -> set[str] | None:
    """The options that a command has with its groups; None where there is no such command."""
    command: click.Command = main
    found = {"--help"}
    for word in words:
        if isinstance(command, click.Group) and (own := command.get_command(click.Context(command), word)):
            command = own
            found |= {name for parameter in own.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return None if command is main else found


def test_every_command_that_a_guide_shows_is_there_with_its_options() -> None:
    every = list(shown())
    assert len(every) > 100
    for where, words in every:
        known = options_of(words)
        assert known, where
        assert {word.partition("=")[0].rstrip(".,:)") for word in words if word.startswith("--")} <= known, where
    assert "--by" not in (options_of(["ack"]) or ())


def test_every_command_that_asks_the_api_says_its_exit_statuses() -> None:
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        assert command
        if any(one.name == "url" for one in command.params):
            assert "xit status" in f"{command.epilog} {command.help}", name
