"""`bq`, Google's own program, against the local BigQuery: as docs/local-google.md says, and loads of CSV line by line."""

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]

GUIDE = Path("docs/local-google.md")
DATASET = "bq_program"
Run = Callable[..., str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What leaves the user's own configuration of Google's programs alone."""
    if shutil.which("bq") is None:
        pytest.skip("gcloud is absent, and with it bq")
    return {
        **os.environ,
        "CLOUDSDK_CONFIG": str(tmp_path_factory.mktemp("gcloud")),
        "HOME": str(tmp_path_factory.mktemp("home")),
    }


@pytest.fixture(scope="module")
def documented(place: "Place") -> str:
    """The lines of the guide, at the address of the emulator; what is asked is left to the test."""
    section = GUIDE.read_text().partition("## bq")[2]
    [block] = re.findall(r"```bash\n(.+?)```", section.partition("\n## ")[0], re.DOTALL)
    assert "http://127.0.0.1:8088" in block
    return str(block).replace("http://127.0.0.1:8088", place.emulator.url)


@pytest.fixture(scope="module")
def bq(documented: str, environment: dict[str, str]) -> Run:
    def run(*arguments: str) -> str:
        lines = documented.replace("bq --api", "bq --format=json --api").rpartition(" query ")[0] + ' "$@"'
        done = subprocess.run(
            ["bash", "-ec", lines, "bq", *arguments], check=False, capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_lines_of_the_guide_run_as_they_are(documented: str, environment: dict[str, str]) -> None:
    done = subprocess.run(["bash", "-ec", documented], check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.strip(" |") for line in done.stdout.splitlines() if "|" in line] == ["one", "1"]


def _loaded(bq: Run, path: Path, table: str, *options: str) -> list[dict[str, Any]]:
    bq("load", *options, f"{DATASET}.{table}", str(path), "name:STRING,amount:INTEGER")
    return sorted(json.loads(bq("head", "-n", "10", f"{DATASET}.{table}")), key=lambda row: int(row["amount"]))


def test_a_load_of_csv_has_every_line_but_those_that_it_says_to_skip(bq: Run, tmp_path: Path) -> None:
    bq("mk", "--force", DATASET)
    rows = [["a, the first", "1"], ["it's", "2"]]
    plain, headed = tmp_path / "plain.csv", tmp_path / "headed.csv"
    for path, before, delimiter in ((plain, [], ","), (headed, [["name", "amount"]], "\t")):
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=delimiter).writerows([*before, *rows])
    expected = [{"name": name, "amount": amount} for name, amount in rows]
    assert _loaded(bq, plain, "plain") == expected
    assert _loaded(bq, headed, "headed", "--skip_leading_rows=1", "--field_delimiter=tab") == expected
