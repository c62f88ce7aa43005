"""The guide to a first model, run as it is written: each of its commands, on a stack that runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.stage import ROOT
from tests.support.servers.stack import LocalStack

pytestmark = pytest.mark.timeout(900)
GUIDE = (ROOT / "docs" / "first-model.md").read_text()


def run(command: list[str], folder: Path, stack: LocalStack) -> str:
    environ = os.environ | {
        "AIA_API_URL": stack.url("page"),
        "AIA_DATA": str(stack.folder),
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_guide_to_a_first_model_does_what_it_says(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    first, more = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "write.py").write_text(first)
    run([sys.executable, "write.py"], tmp_path, stack)
    watch, again, rest = re.findall(r"```console\n(.*?)```", GUIDE, re.DOTALL)
    command, _, printed = watch.partition("\n")
    said = run(command.removeprefix("$ ").split(), tmp_path, stack)
    assert said.startswith(printed)
    assert f"page        {stack.url('page')}/models/churn" in said
    assert re.search("^drift +bad: churn: 1 of 3 features drifted; strongest age", said, re.MULTILINE)
    overview = stack.get("/v1/models/churn/overview")
    assert (overview["drifted"], overview["overdue"], overview["incidents"]) == (["age"], False, [])
    assert overview["verdicts"]["performance"]["rows"] == 250
    assert sum(one is not None for one in stack.get("/v1/models/churn/history?days=60")["drift"]) == 60

    (tmp_path / "write.py").write_text(first + more)
    run([sys.executable, "write.py"], tmp_path, stack)
    command, _, printed = again.partition("\n")
    assert printed in run(command.removeprefix("$ ").split(), tmp_path, stack)
    assert sum(one is not None for one in stack.get("/v1/models/churn/history?days=70")["drift"]) == 70
    listed, checked, removed = re.findall(r"^\$ (.*)$", rest, re.MULTILINE)
    assert re.search("churn .*ops.models", run(listed.split(), tmp_path, stack))
    assert "nothing to change" in run(checked.split(), tmp_path, stack)
    assert run(removed.split(), tmp_path, stack).startswith("churn: removed, with its table telemetry.watch_churn_")
    assert "churn" not in {one["name"] for one in stack.get("/v1/models")}


def test_a_table_of_bigquery_is_watched_by_a_view(stack: LocalStack, tmp_path: Path) -> None:
    options = ["--timestamp", "scored_at", "--score", "probability", "--id", "prediction_id", "--name", "watched-table"]
    aia = [sys.executable, "-m", "functions.cli.main"]
    said = run([*aia, "watch", "bq://telemetry.flight_predictions", *options], tmp_path, stack)
    assert "watched-table: created, a view of bq://telemetry.flight_predictions" in said
    assert stack.get("/v1/models/watched-table/overview")["verdicts"]["drift"]["outcome"] in {"good", "bad"}
    removed = run([*aia, "watch", "--remove", "watched-table"], tmp_path, stack)
    assert removed.startswith("watched-table: removed, with its table telemetry.watch_watched_table_")
