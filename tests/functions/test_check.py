"""`aia check`: faults with their lines, and settings that are valid and notify nobody."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core.errors import Fault, SettingsError
from functions.cli.check.lines import Lines
from functions.cli.main import main
from infra.local.run import SETTINGS, error_text
from infra.local.run import checked as checked_at_start


def checked(path: Path, *, changed: dict[str, str]) -> tuple[Result, Path]:
    text = SETTINGS.read_text()
    for before, after in changed.items():
        assert before in text
        text = text.replace(before, after)
    file = path / "monitoring.yaml"
    file.write_text(text)
    return CliRunner().invoke(main, ["check", str(file), "--offline"]), file


def line_of(file: Path, part: str) -> int:
    return next(number for number, line in enumerate(file.read_text().splitlines(), 1) if part in line)


def test_the_settings_of_the_repository_have_nothing_to_change() -> None:
    found = CliRunner().invoke(main, ["check", str(SETTINGS), "--offline"])
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.stdout.endswith("1 model, 2 probes: nothing to change\n")


def test_every_fault_is_said_with_its_line(tmp_path: Path) -> None:
    changed = {
        "reference: {days: 59}": "reference: {days: 590, until: 2026-01-05 10:00:00}",
        "    window: 7d": "    windw: 7d",
    }
    found, file = checked(tmp_path, changed=changed)
    assert found.exit_code == 1
    reference, name = line_of(file, "days: 590"), line_of(file, "windw")
    said = found.stderr.splitlines()
    assert any(one.startswith(f"{file}:{reference}: models[0].reference.days: must be ") for one in said)
    assert (
        f"{file}:{reference}: models[0].reference.until: must be a day, as in 2026-01-31, got '2026-01-05T10:00:00'"
        in said
    )
    assert f"{file}:{name}: models[0].windw: must be a known key (perhaps 'window'), got 'windw'" in said


@pytest.mark.parametrize(
    ("changed", "part", "said"),
    [
        ({"to: [executive]}\n  - {when: {severity: [info]": "to: []}\n  - {when: {severity: [info]"}, "  executive:", "stakeholders.executive: should be in a route"),
        ({"  - {name: log, kind: console}": "  - {name: log, kind: console}\n  - {name: spare, kind: console}"}, "name: spare", "channels[1]: 'spare' should be in a tier"),
        ({"{days: 59}": "{days: 59, until: 2199-01-01}"}, "days: 59", "models[0].reference.until: should be a day in the past"),
        ({"severity: [warning, error, critical]}, to": "severity: [warning], targets: [model/*]}, to", "severity: [error, critical]}, to: [op": "severity: [error, critical], targets: [model/*]}, to: [op"}, "routes:", "routes: should have one that notifies somebody of every incident that is error"),
    ],
)  # fmt: skip
def test_what_nobody_hears_of_is_a_warning(changed: dict[str, str], part: str, said: str, tmp_path: Path) -> None:
    found, file = checked(tmp_path, changed=changed)
    assert found.exit_code == 0, found.stderr
    assert f"{file}:{line_of(file, part)}: warning: {said}" in found.stderr


def test_the_line_of_what_is_missing_is_that_of_what_it_would_be_in(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("version: 1\nmodels:\n  - name: a\n  - name: b\n    reference:\n      days: 3\n")
    lines = Lines(file)
    assert [lines.of(path) for path in ("models[1].reference.days", "models[1].window", "models[7].name", "jobs")] == [
        6,
        4,
        2,
        1,
    ]


def test_a_file_that_is_no_yaml_is_said_once(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("models: [\n")
    found = CliRunner().invoke(main, ["check", str(file), "--offline"])
    assert found.exit_code == 1
    assert found.stderr.count("must be YAML") == 1
    assert CliRunner().invoke(main, ["check", str(tmp_path / "none.yaml")]).exit_code == 2


def test_where_no_system_answers_the_file_is_checked_nevertheless() -> None:
    found = CliRunner().invoke(main, ["check", str(SETTINGS), "--url", "http://127.0.0.1:9"])
    assert found.exit_code == 0
    assert found.stderr.startswith("tables and alert rules are not looked at: ")


def test_a_start_checks_the_settings_before_anything_runs_and_says_the_lines(tmp_path: Path) -> None:
    assert checked_at_start(SETTINGS) == []
    _, file = checked(tmp_path, changed={"{days: 59}": "{days: 59, until: 2199-01-01}"})
    [warning] = checked_at_start(file)
    assert warning.startswith(f"{file}:{line_of(file, 'days: 59')}: warning: models[0].reference.until: should be ")
    file.write_text(file.read_text().replace("window: 7d", "window: 7y"))
    with pytest.raises(SettingsError) as refused:
        checked_at_start(file)
    assert "models[0].window" in str(refused.value)
    fault = Fault("models[0].window", "must be a duration", "7y")
    assert error_text(SettingsError((fault,)), tmp_path) == f"{SETTINGS}:{line_of(SETTINGS, 'window: 7d')}: {fault}"
