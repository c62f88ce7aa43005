"""The compliance report over HTTP and by `aia compliance`, with the files that gcloud and terraform print."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.audit_log import AT
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.detector import BAD, Outside
from tests.support.fakes.detectors import bucket

POLICY = {
    "bindings": [{"role": "roles/owner", "members": ["user:mallory@elsewhere.test"]}],
    "auditConfigs": [
        {"service": "allServices", "auditLogConfigs": [{"logType": kind} for kind in ("ADMIN_READ", "DATA_READ", "DATA_WRITE")]}
    ],
    "etag": "BwX",
    "version": 1,
}  # fmt: skip
KEYS = [
    {"name": "projects/p/serviceAccounts/a@p/keys/1", "keyType": "USER_MANAGED", "validAfterTime": "2020-01-01T00:00:00Z"},
    {"name": "projects/p/serviceAccounts/a@p/keys/2", "keyType": "SYSTEM_MANAGED", "validAfterTime": "2020-01-01T00:00:00Z"},
]  # fmt: skip
BUCKET = {"address": "module.x.google_storage_bucket.b", "type": "google_storage_bucket", "mode": "managed"}
PLAN = {
    "planned_values": {
        "root_module": {"child_modules": [{"resources": [BUCKET | {"values": {"uniform_bucket_level_access": True}}]}]}
    }
}


@pytest.fixture
def world() -> Outside:
    return Outside(now=AT)


@pytest.fixture
def url(world: Outside) -> Iterator[str]:
    office = ApiFixture(world.store, obeys=False)
    with pages.served(pages.application(pages.services(world.store, Rows(), office, lambda: AT))) as address:
        yield address


def opened(world: Outside) -> None:
    """A bucket that everybody may read."""
    bucket(world, BAD, 0)


def aia(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["compliance", *map(str, words)])


def outcomes(result: Result) -> dict[str, str]:
    return {one["number"]: one["outcome"] for one in json.loads(result.stdout)}


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_without_a_finding_and_without_files_nothing_is_known(url: str) -> None:
    result = aia("--url", url, "--json")
    assert result.exit_code == 0, result.output
    assert set(outcomes(result).values()) == {"not_known"}


def test_what_the_log_shows_is_in_the_report(url: str, world: Outside) -> None:
    opened(world)
    result = aia("--url", url)
    assert result.exit_code == 1
    [row] = [line for line in result.stdout.splitlines() if "Buckets are not public" in line]
    assert "bad" in row
    assert "shop-exports: allUsers has roles/storage.objectViewer" in row
    assert "2026-03-01" in row


def test_files_and_the_log_are_combined(url: str, world: Outside, tmp_path: Path) -> None:
    opened(world)
    files = [
        *("--policy", written(tmp_path / "policy.json", POLICY), "--keys", written(tmp_path / "keys.json", KEYS)),
        *("--plan", written(tmp_path / "plan.json", PLAN), "--domain", "example.com"),
    ]
    found = outcomes(aia("--url", url, "--json", *files))
    assert found["5.1"] == found["1.1"] == found["1.4"] == found["1.7"] == "bad"
    assert found["2.1"] == found["5.2"] == found["1.8"] == "good"
    assert found["7.1"] == "not_known"
    alone = outcomes(aia("--without-log", "--json", *files))
    assert alone == found | {"5.1": "not_known"}


@pytest.mark.parametrize("option", ["--policy", "--keys", "--plan"])
def test_a_file_that_is_something_else_is_refused_by_name(option: str, tmp_path: Path) -> None:
    result = aia("--without-log", option, written(tmp_path / "other.json", {"a": 1}))
    assert result.exit_code == 2
    assert "other.json: must be what the command prints as JSON" in result.stderr
