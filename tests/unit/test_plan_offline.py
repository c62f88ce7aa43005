"""Where the plan's Terraform finds its provider: what a variable names, and nothing else outside the repository."""

from pathlib import Path

import pytest

from infra import plan


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for what stands in for the provider."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("TF_CLI_CONFIG_FILE", raising=False)
    return tmp_path / "cache" / "terraform-google-schema"


def script(folder: Path, text: str) -> Path:
    """A script that may be executed, alone in a folder."""
    folder.mkdir()
    path = folder / "offline.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("given", [None, ""])
def test_without_the_variable_nothing_is_run(given: str | None, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if given is None:
        monkeypatch.delenv(plan.OFFLINE, raising=False)
    else:
        monkeypatch.setenv(plan.OFFLINE, given)
    assert "TF_CLI_CONFIG_FILE" not in plan.environment()
    assert not cache.exists()


def test_the_script_that_it_names_is_run_once(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    text = f'echo run >>{runs}; echo >"$XDG_CACHE_HOME/terraform-google-schema/offline.tfrc"'
    monkeypatch.setenv(plan.OFFLINE, str(script(tmp_path / "offline", text)))
    assert plan.environment()["TF_CLI_CONFIG_FILE"] == str(cache / "offline.tfrc")
    plan.environment()
    assert runs.read_text() == "run\n"


def test_a_script_that_is_not_there_is_named(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plan.OFFLINE, str(tmp_path / "none.sh"))
    with pytest.raises(plan.PlanError, match=r"^AIA_TERRAFORM_OFFLINE: must be a script .* got '.*/none\.sh'$"):
        plan.environment()


def test_a_script_that_fails_is_told(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(plan.OFFLINE, str(script(tmp_path / "offline", "echo no space left >&2; exit 1")))
    with pytest.raises(plan.PlanError, match=r"^AIA_TERRAFORM_OFFLINE: .* installed no provider: no space left$"):
        plan.environment()


def test_without_terraform_there_is_the_bill_and_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    plan._plans.cache_clear()
    assert plan.main([]) == 0
    said, told = capsys.readouterr()
    assert told == f"terraform is absent, so only the bill follows: get Terraform 1.7 or newer from {plan.DOWNLOADS}\n"
    lines = said.splitlines()
    assert len(lines) == 10
    amounts = [float(line.rpartition(" ")[2].replace(",", "")) for line in lines[1:9]]
    assert sum(amounts[:-1]) == pytest.approx(amounts[-1], abs=0.05), "the services less what is free are the sum"
    assert amounts[-1] > 10
    assert plan.main(["--verbose"]) == 0
    assert "| **sum** |" in capsys.readouterr().out
