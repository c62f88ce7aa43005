"""The guide to the command line, run as it is written: each of its commands, over a bad night in memory."""

import re
import shlex
from collections.abc import Iterator
from itertools import groupby, pairwise

from functions.cli.main import main
from infra.stage import ROOT
from tests.support.builders.on_call import FAILS, aia, keep_run
from tests.support.builders.pages import ApiFixture

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
