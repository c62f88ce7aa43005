"""What `terraform apply` would create, grouped, without a cloud: the plan of Terraform's own test, on a mocked provider.

Terraform fetches the provider. Where its registry cannot be reached, a script that AIA_TERRAFORM_OFFLINE names installs what
stands in for it, and writes Terraform's configuration to `terraform-google-schema/offline.tfrc` in the user's cache folder.
"""

import argparse
import fcntl
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from functions.adapters.config import load_yaml
from infra.plan_bill import SETTINGS, bill, workload
from infra.plan_text import Resource, kind, report

__all__ = [
    "OFFLINE",
    "TERRAFORM",
    "AbsentError",
    "PlanError",
    "Resource",
    "install",
    "kind",
    "planned",
    "report",
    "terraform",
]

ROOT = Path(__file__).resolve().parent.parent
TERRAFORM = ROOT / "infra" / "terraform"
OFFLINE = "AIA_TERRAFORM_OFFLINE"
"""The variable that names the script which installs the provider's stand-in; unset or empty where the registry is used."""

DOWNLOADS = "https://developer.hashicorp.com/terraform/install"


class PlanError(Exception):
    """Terraform made no plan; the message has what it said."""


class AbsentError(PlanError):
    """Terraform is not installed; the message says how to get it."""


def environment() -> dict[str, str]:
    """The environment that Terraform runs in, with or without a registry.

    Raises:
        PlanError: the script for a machine without one is absent or fails.
    """
    # A third of what a plan takes is Terraform's garbage collector, unless it may let more lie.
    own = {"GOGC": "400", **os.environ, "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}
    if script := os.environ.get(OFFLINE):
        own["TF_CLI_CONFIG_FILE"] = str(_stand_in(Path(script).resolve()))
    return own


@functools.cache
def _stand_in(script: Path) -> Path:
    """Terraform's configuration that names the provider's stand-in, which is installed unless it is already."""
    if not os.access(script, os.X_OK) or not script.is_file():
        raise PlanError(f"{OFFLINE}: must be a script that can be executed, got {str(script)!r}")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "terraform-google-schema"
    cache.mkdir(parents=True, exist_ok=True)
    config = cache / "offline.tfrc"
    newest = max(path.stat().st_mtime for path in script.parent.iterdir())
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # installed again, it would be taken away from a Terraform that runs
        if not config.exists() or config.stat().st_mtime < newest:
            done = subprocess.run([str(script)], check=False, capture_output=True, text=True)
            if done.returncode or not config.exists():
                raise PlanError(f"{OFFLINE}: {script} installed no provider: {done.stderr.strip()}")
    return config


def terraform(*arguments: str, folder: Path = TERRAFORM, data: Path) -> subprocess.CompletedProcess[str]:
    """Run Terraform in a folder; `data` is where it keeps what it installs."""
    command = ["terraform", f"-chdir={folder}", *arguments]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=environment() | {"TF_DATA_DIR": str(data)}
    )


def install(folder: Path, data: Path, *options: str) -> None:
    """Install the modules, and the provider where its registry can be reached.

    Args:
        folder: of the configuration.
        data: where Terraform keeps what it installs.
        options: of the command, as `-test-directory=`.

    Raises:
        PlanError: it cannot be installed.
    """
    command = ("get",) if os.environ.get(OFFLINE) else ("init", "-backend=false", "-input=false")
    done = terraform(*command, "-no-color", *options, folder=folder, data=data)
    if done.returncode:
        raise PlanError(done.stderr.strip() or done.stdout.strip())


def planned(file: str = "plan", run: str = "plan") -> list[Resource]:
    """What a run of one of the tests in `infra/terraform/tests` would create.

    Args:
        file: the test, without `.tftest.hcl`.
        run: one of its runs that plans.

    Raises:
        PlanError: Terraform is absent, or refuses the configuration.
    """
    plans = _plans(file)
    if run not in plans:
        raise PlanError(f"tests/{file}.tftest.hcl: must have a run {run!r} that plans")
    return [one for one in plans[run] if "create" in one["change"]["actions"]]


@functools.cache
def _plans(file: str) -> Mapping[str, list[Resource]]:
    """The changes that each run of a test plans; Terraform runs all of them at once."""
    if shutil.which("terraform") is None:
        raise AbsentError(f"terraform is absent, so only the bill follows: get Terraform 1.7 or newer from {DOWNLOADS}")
    with tempfile.TemporaryDirectory() as folder:
        install(TERRAFORM, Path(folder))
        test = ("test", "-json", "-verbose", f"-filter=tests/{file}.tftest.hcl")
        done = terraform(*test, data=Path(folder))
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode:
        raise PlanError("\n".join(_complaints(lines)) or done.stderr.strip())
    return {line["@testrun"]: line["test_plan"]["resource_changes"] for line in lines if line["type"] == "test_plan"}


def _complaints(lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for line in lines:
        if line["type"] == "diagnostic" and line["diagnostic"]["severity"] == "error":
            said = line["diagnostic"]
            yield f"{said.get('range', {}).get('filename', 'terraform')}: {said['summary']}: {said['detail']}"


def main(arguments: Sequence[str]) -> int:
    """Print what would be created, and the bill; without Terraform the bill alone."""
    parser = argparse.ArgumentParser(prog="python -m infra.plan", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--verbose", action="store_true", help="with the arithmetic of the bill")
    options = parser.parse_args(arguments)
    try:
        print(report(planned()), end="\n\n")
    except AbsentError as error:
        print(error, file=sys.stderr)
    except PlanError as error:
        print(error, file=sys.stderr)
        return 1
    settings = load_yaml(SETTINGS)
    assert isinstance(settings, dict)  # noqa: S101 - the file of this repository
    print(bill(workload(settings), verbose=options.verbose))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
