"""The settings of a running function: where they come from, and what the environment fills in."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from google.cloud import bigquery

from core.errors import SettingsError
from core.settings import HttpProbe, TcpProbe, WarehouseSettings
from functions.adapters import config
from functions.adapters.warehouse import MOST_READ
from functions.runtime.ports import Ports

REPOSITORY = Path(config.__file__).parents[2]
ENVIRONMENT = {
    "AIA_API_URL": "http://127.0.0.1:8080",
    "AIA_PROBE_NETWORKS": "127.0.0.0/8",
    "AIA_WAREHOUSE_ADDRESS": "127.0.0.1:9050",
    "AIA_INBOX_URL": "http://127.0.0.1:8081/inbox",
}


def faults(text: str, folder: Path, **environment: str) -> list[str]:
    file = folder / "monitoring.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        config.load(file, environment)
    return [str(fault) for fault in caught.value.faults]


def test_what_is_deployed_is_right() -> None:
    settings = config.load(REPOSITORY / "infra" / "monitoring.yaml", ENVIRONMENT)
    assert {probe.name: probe.url for probe in settings.probes if isinstance(probe, HttpProbe)} == {
        "api": "http://127.0.0.1:8080/health"
    }
    assert [(probe.host, probe.port) for probe in settings.probes if isinstance(probe, TcpProbe)] == [
        ("127.0.0.1", 9050)
    ]


def test_the_environment_may_name_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("{version: 1, jobs: {drift_score: '0 4 * * *'}}")
    settings = config.load(environ={"AIA_SETTINGS": str(tmp_path / "other.yaml")})
    assert dict(settings.jobs) == {"drift_score": "0 4 * * *"}


def test_an_archive_finds_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "monitoring.yaml").write_text("{version: 1, jobs: {health_check: '* * * * *'}}")
    shutil.copytree(REPOSITORY / "core", tmp_path / "core", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "functions" / "adapters").mkdir(parents=True)
    for name in ("functions/__init__.py", "functions/adapters/__init__.py", "functions/adapters/config.py"):
        shutil.copyfile(REPOSITORY / name, tmp_path / name)
    code = "from functions.adapters import config; print(*config.load().jobs)"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert told.stdout == "health_check\n"


def test_missing_variables_are_told_with_the_other_faults(tmp_path: Path) -> None:
    text = """
version: 1
jobs: {drift_score: hourly}
probes:
  - {name: api, kind: http, url: "${API}/${API}/x${PORT}", every: 1m}
channels: [{name: "${NAME}", kind: console}]
"""
    assert faults(text, tmp_path, NAME="log") == [
        "probes[0].url: ${API} must be set in the environment, got None",
        "probes[0].url: ${PORT} must be set in the environment, got None",
        (
            "jobs.drift_score: must be a cron expression: must have five fields: minute, hour, day of month, month, "
            "day of week, got 'hourly'"
        ),
    ]


def test_a_missing_variable_alone_is_a_fault(tmp_path: Path) -> None:
    text = "{version: 1, jobs: {}, probes: [{name: a, kind: http, url: 'http://x', every: 1m, expect: {body: '${X}'}}]}"
    assert faults(text, tmp_path) == ["probes[0].expect.body: ${X} must be set in the environment, got None"]


def test_what_is_filled_in_is_not_filled_in_again(tmp_path: Path) -> None:
    text = "{version: 1, jobs: {}, probes: [{name: a, kind: http, url: 'http://x', every: 1m, expect: {body: '${X}'}}]}"
    (tmp_path / "monitoring.yaml").write_text(text)
    settings = config.load(tmp_path / "monitoring.yaml", {"X": "${Y}", "Y": "no"})
    assert settings.probes[0].expect.body == "${Y}"


@pytest.mark.parametrize("text", ["{version: 1, version: 1}", "jobs:\n  a: b\n  a: c", "[{x: 1, x: 1}]"])
def test_a_key_given_twice_is_refused(text: str, tmp_path: Path) -> None:
    [fault] = faults(text, tmp_path)
    assert "monitoring.yaml:" in fault
    assert "must be given once" in fault


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: b: c",
        "!!python/object/apply:os.getcwd []",
        "{? [1]: 2}",
        "\0",
        "a: 2026-13-45",
        "x: &x [*x]",
        "",
        "[" * 30,
    ],
)
def test_what_is_no_settings_file_is_told_as_faults(text: str, tmp_path: Path) -> None:
    assert faults(text, tmp_path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.yaml: must be a file that can be read, got 'No such file"):
        config.load(tmp_path / "nowhere.yaml", {})


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 100_000], ids=["lists", "maps", "blocks"])
def test_a_text_that_is_too_deep_is_refused_before_it_is_read_which_would_end_the_process(text: str) -> None:
    with pytest.raises(SettingsError, match="must be nested at most 20 deep, got 'more than 20'"):
        config.parse_yaml(text.encode(), "settings")


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("[" + "1," * 40_000 + "]", "'more than 1,000'"),
        ("[&a [], " + "*a," * 40_000 + "]", "'more than 1,000'"),
        ("[" + "1," * 2_000 + "]", "2001"),
        ("&a k: &b [1,2,3]\nl: [" + "*b," * 400 + "]", "1606"),
    ],
)
def test_of_a_text_from_elsewhere_fewer_values_are_taken(text: str, got: str) -> None:
    said = f"settings: must have at most 1,000 values, with what its aliases stand for, got {got}"
    with pytest.raises(SettingsError, match=f"^{said}$"):
        config.parse_yaml(text.encode(), "settings", most=1000)
    assert config.parse_yaml(b"[" + b"1," * 900 + b"]", "settings", most=1000) == [1] * 900


def test_aliases_that_stand_for_more_than_any_settings_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.yaml"
    levels = ["a0: &a0 [x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9))]
    file.write_text("\n".join(levels))
    with pytest.raises(SettingsError, match="must have at most 1,000,000 values"):
        config.load(file)
    merged = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}" for n in range(1, 9)]
    file.write_text("\n".join(["a0: &a0 {k: 1, l: 2}", *merged]))
    with pytest.raises(SettingsError, match="must have at most 1,000,000 values"):
        config.load(file)
    file.write_text("a: &a {<<: *a}\nb: &b [*b]\n")
    with pytest.raises(SettingsError, match="must be"):
        config.load(file)
    file.write_text("jobs: &jobs {drift_score: '*/15 * * * *'}\nagain: [*jobs, *jobs]\n")
    with pytest.raises(SettingsError, match="again: must be a known key"):
        config.load(file)


@pytest.mark.parametrize(
    ("section", "gibibytes"), [("warehouse: {most_read: 0.5}", 0.5), ('channels: ["${NOWHERE}"]', 20), (None, 20)]
)
def test_a_statement_may_read_what_the_settings_say(
    section: str | None, gibibytes: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where variables of other sections are not set, or there are no settings."""
    asked: list[int] = []

    class Client:
        def __init__(self, project: str) -> None:
            assert project == "test"

        def query_and_wait(self, _: str, *, job_config: bigquery.QueryJobConfig, **__: object) -> list[object]:
            asked.append(job_config.maximum_bytes_billed)
            return []

    if section:
        (tmp_path / "monitoring.yaml").write_text(f"version: 1\njobs: {{}}\n{section}\n")
    monkeypatch.setenv("AIA_SETTINGS", str(tmp_path / "monitoring.yaml"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "test")
    monkeypatch.setattr(bigquery, "Client", Client)
    assert Ports("drift_score").warehouse.query("SELECT 1") == []
    assert asked == [int(gibibytes * 2**30)]


def test_the_default_of_the_setting_is_that_of_programs_without_settings() -> None:
    assert WarehouseSettings().most_read == MOST_READ
