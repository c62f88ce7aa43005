"""The `aia` command: which commands there are, and what each imports."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from functions.cli import options
from functions.cli.main import main
from functions.cli.screen import print_table, table_of

COMMANDS = (
    *("ack", "actions", "backup", "channels", "check", "completion", "compliance", "costs", "coverage", "dead-letters"),
    *("demo", "dependencies", "doctor", "drift", "explain", "halt", "incidents", "intake", "local", "models", "oncall"),
    *(
        "pipelines",
        "probes",
        "replay",
        "report",
        "restore",
        "resume",
        "serve",
        "silence",
        "silences",
        "survey",
        "tokens",
    ),
    *("unsilence", "watch"),
)


def test_the_help_names_every_command() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    listed = [line.split()[0] for line in said.partition("Commands:\n")[2].splitlines()]
    assert listed == sorted(COMMANDS)


@pytest.mark.parametrize("command", ["demo", "drift", "local", "replay"])
def test_a_command_has_help(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert (result.exit_code, result.output.splitlines()[0]) == (
        0,
        f"Usage: main {command} [OPTIONS]" + " REFERENCE CURRENT" * (command == "drift"),
    )


def test_an_unknown_command_is_refused() -> None:
    result = CliRunner().invoke(main, ["derive"])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "Error: No such command 'derive'.")


def test_the_comparison_of_files_needs_nothing_of_the_deployment() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from functions.cli.main import main\n"
        "assert CliRunner().invoke(main, ['drift', '--help']).exit_code == 0\n"
        "import functions.cli.drift.run\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('infra', 'duckdb', 'functions_framework')))"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert found.stdout == "[]\n"


def test_foreign_text_neither_moves_the_cursor_nor_is_markup(capsys: pytest.CaptureFixture[str]) -> None:
    table = table_of("detail")
    table.add_row("\x1b[2J[red]a[/b]\x9b1m\nsecond\u202eline")
    print_table(table)
    shown = capsys.readouterr().out
    assert "[2J[red]a[/b]" in shown
    options.print_json({"é": "\x1b\x9b1m\u202e"})
    told = capsys.readouterr().out
    assert json.loads(told) == {"é": "\x1b\x9b1m\u202e"}
    assert "é" in told
    assert not {"\x1b", "\x9b", "\u202e"} & {*shown, *told}
