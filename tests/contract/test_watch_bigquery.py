"""`aia watch` on Google Cloud: what it says first and creates, and what it leaves when it is refused or killed.

The command, the API and BigQuery's own client are real; windows are scored by writing what drift_score writes.
"""

import csv
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from google.cloud import bigquery

from core.access import Role
from core.events import Event, ScoringShard
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api import roles
from functions.cli.api import UnansweredError
from functions.cli.main import main
from functions.cli.watch import deployed, loading, past, run, tables
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.model_table import ModelTable
from tests.support.servers.bigquery_front import Fault, Front, front_of

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
START = datetime(2026, 3, 1, tzinfo=UTC)
ADAY = 40
OPTIONS = ("--timestamp", "at", "--score", "p", "--name", "leaving", "--id", "id")


@dataclass
class Scorer:
    """A bus whose windows are scored at once."""

    warehouse: BigQueryWarehouse
    ends: list[datetime] = field(default_factory=list)

    def publish_all(self, _topic: str, events: Sequence[Event]) -> None:
        shards = [one for one in events if isinstance(one, ScoringShard)]
        self.ends += [one.scheduled_at for one in shards]
        self.warehouse.append("ops.drift_scores_raw", [scored(one) for one in shards])


def scored(shard: ScoringShard) -> dict[str, Any]:
    texts = {"role": "feature", "feature": "age", "test": "psi", "mode": "exact"}
    numbers = {"drifted": False, "n_reference": 1, "n_current": 1}
    times = {"window_start": shard.scheduled_at - timedelta(days=1), "window_end": shard.scheduled_at}
    return {"model": shard.models[0], **texts, **numbers, **times, "scored_at": START, "written_at": datetime.now(UTC)}


@dataclass
class Cloud:
    """A deployment: its API, and BigQuery behind its front."""

    front: Front
    client: bigquery.Client
    models: ModelTable
    bus: Scorer
    url: str

    def watch(self, *arguments: object, answer: str = "", project: str = "test") -> Result:
        given = [*map(str, arguments), "--project", project, "--url", self.url]
        return CliRunner(env={"COLUMNS": "200"}).invoke(main, ["watch", *given], input=answer)

    def made(self) -> list[str]:
        """The tables and views that are there."""
        found = self.client.list_tables("telemetry")
        return [one.table_id for one in found if one.table_id.startswith("watch_")]

    def count(self) -> tuple[int, int]:
        """The rows of the one table, and how many of them differ."""
        [name] = self.made()
        [row] = self.client.query_and_wait(f"SELECT COUNT(*) AS n, COUNT(DISTINCT row_id) AS k FROM telemetry.{name}")
        return row.n, row.k


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(tables, "BLOCK", 1000)
    monkeypatch.setattr(tables, "PATIENT", loading.PATIENT.with_timeout(0.5).with_delay(initial=0.1))
    monkeypatch.setattr(run, "_PAGE_SECONDS", 0.0)
    monkeypatch.setattr(past, "_POLL_SECONDS", 0.0)


@pytest.fixture
def cloud(
    client: bigquery.Client, warehouse: BigQueryWarehouse, place: "Place", monkeypatch: pytest.MonkeyPatch
) -> Iterator[Cloud]:
    office, bus = ApiFixture(MemoryStore(Breaking(now=datetime.now(UTC)))), Scorer(warehouse)
    models = ModelTable()
    made = pages.services(office.store, Rows(), office, lambda: datetime.now(UTC), table=models)
    with front_of(place.emulator.url) as (front, address), pages.served(pages.application(made)) as url:
        here = replace(place, environment=place.environment | {"BIGQUERY_EMULATOR_HOST": address})
        for name, value in (here.environment | {"GOOGLE_CLOUD_PROJECT": "test"}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(deployed, "is_loopback", lambda _url: False)
        monkeypatch.setattr(deployed.Deployed, "bigquery", lambda _self: here.client("test"))
        monkeypatch.setattr(deployed.Deployed, "warehouse", lambda _self: warehouse)
        monkeypatch.setattr(deployed.Deployed, "bus", lambda _self: bus)
        yield Cloud(front, client, models, bus, url)
    place.writes.any = True  # what other clients than that of the test have written


def written(folder: Path, days: int) -> Path:
    path = folder / "leaving.csv"
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["at", "age", "plan", "p", "id"])
        for n in range(days * ADAY):
            at = (START + timedelta(days=n / ADAY)).replace(tzinfo=None)
            out.writerow([at, 20 + n * 7 % 41 + 0.5, "abc"[n % 3], n * 13 % 97 / 100, f"r{n}"])
    return path


def test_what_will_be_created_is_said_and_asked_for_first(cloud: Cloud, tmp_path: Path) -> None:
    file = written(tmp_path, 60)
    declined, unanswered = cloud.watch(file, *OPTIONS, answer="n\n"), cloud.watch(file, *OPTIONS)
    assert (declined.exit_code, declined.stderr) == (2, "Error: nothing was created\n")
    assert unanswered.exit_code == 2
    assert "Error: --yes: must be given where nobody answers; nothing was created" in unanswered.stderr
    assert (cloud.made(), cloud.models.rows, cloud.bus.ends) == ([], [], [])
    lines = declined.stdout.splitlines()
    told = next(number for number, line in enumerate(lines) if line.startswith("creates"))
    assert lines[told].startswith("creates     the table test.telemetry.watch_leaving_20")
    assert lines[told].endswith(", partitioned by day")
    assert lines[told + 1 : told + 4] == [
        "loads       2,400 rows of 6 columns, by load jobs",
        "writes      the model leaving into test.ops.models",
        "scores      34 windows, by drift_score",
    ]
    assert lines[told + 4].startswith("in project test? [y/N]")
    other = cloud.watch(file, *OPTIONS, project="elsewhere")
    assert (other.exit_code, "--project: must be test, of which http" in other.stderr) == (2, True)


def test_who_may_not_create_a_model_leaves_no_table(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = roles.check
    monkeypatch.setattr(roles, "check", lambda required, person, _: check(required, person, lambda: Role.OPERATOR))
    refused = cloud.watch(written(tmp_path, 60), *OPTIONS, "--yes")
    assert (refused.exit_code, cloud.made(), cloud.models.rows) == (2, [], [])
    assert "role: must be admin" in refused.stderr


def test_a_file_is_loaded_scored_and_gone_on_with_once_and_removed(cloud: Cloud, tmp_path: Path) -> None:
    done = cloud.watch(written(tmp_path, 30), *OPTIONS, answer="y\n")
    assert done.exit_code == 0, done.output
    assert "leaving: created, 1,200 rows added" in done.stdout
    assert (cloud.count(), len(cloud.front.jobs)) == ((1200, 1200), 2)
    before = len(cloud.bus.ends)

    assert "leaving: unchanged, 0 rows added" in cloud.watch(tmp_path / "leaving.csv", *OPTIONS, "--yes").stdout
    assert (len(cloud.bus.ends), len(cloud.front.jobs)) == (before, 2)

    more = cloud.watch(written(tmp_path, 40), *OPTIONS, "--yes")
    assert "leaving: changed, 400 rows added" in more.stdout
    assert "appends to  the table test.telemetry.watch_leaving_20" in more.stdout
    assert cloud.count() == (1600, 1600)
    assert cloud.bus.ends[before:] == [START + timedelta(days=30 + number) for number in range(1, 11)]

    kept = cloud.watch("--remove", "leaving", answer="n\n")
    assert (kept.exit_code, kept.stderr, len(cloud.made())) == (2, "Error: nothing was removed\n", 1)
    assert cloud.watch("--remove", "leaving", "--yes").exit_code == 0
    assert cloud.made() == []


def test_a_model_whose_verdicts_are_not_read_in_time_is_watched_all_the_same(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def late(*_: object) -> None:
        raise UnansweredError("model_overview: no answer within 3 s")

    monkeypatch.setattr(run.Client, "model_overview", late)
    done = cloud.watch(written(tmp_path, 30), *OPTIONS, "--yes")
    assert done.exit_code == 0, done.output
    assert "drift       not known: the API does not answer" in done.stdout
    assert done.stdout.endswith(f"page        {cloud.url}/models/leaving\n")


def test_rows_that_were_corrected_replace_those_before_and_their_windows_are_scored_again(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_SKEW", timedelta())  # what was scored a moment ago does not count
    file = written(tmp_path, 30)
    assert cloud.watch(file, *OPTIONS, "--yes").exit_code == 0
    before, lines = len(cloud.bus.ends), file.read_text().splitlines()
    for day in (20, 25):
        at, age, _, p, row = lines[1 + day * ADAY].split(",")
        lines[1 + day * ADAY] = f"{at},{float(age) + 100},,{p},{row}"
    lines += [lines[2].replace("0.13", "0.14")]
    file.write_text("\n".join(lines))
    again = cloud.watch(file, *OPTIONS, "--yes")
    assert again.exit_code == 0, again.output
    assert "leaving: unchanged, 0 rows added, 2 corrected" in again.stdout
    assert "replaces    2 of its rows, which the file has with other values" in again.stdout
    assert "left out: 1 row with the id of an earlier one" in again.stdout
    [name] = cloud.made()
    found = cloud.client.query_and_wait(f"SELECT row_id, plan FROM telemetry.{name} WHERE age > 100 ORDER BY row_id")
    assert [(row.row_id, row.plan) for row in found] == [("r1000", None), ("r800", None)]
    assert cloud.count() == (1200, 1200)
    assert cloud.bus.ends[before:] == [START + timedelta(days=number) for number in range(21, 31)]
    unchanged = cloud.watch(file, *OPTIONS, "--yes")
    assert "leaving: unchanged, 0 rows added\n" in unchanged.stdout


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (Fault("POST", "/tables", 403, "accessDenied"), 2, "BigQuery refused what was asked: "),
        (Fault("POST", "/upload/", 403, "accessDenied"), 2, "accessDenied by a test"),
        (Fault("GET", "/datasets/telemetry/tables", 404, "notFound"), 2, "notFound by a test"),
        (Fault("POST", "/tables", 429, "rateLimitExceeded", times=99), 3, "the same command goes on where this one ended"),
        (Fault("PUT", "/upload/", 200, "quotaExceeded", times=99), 3, "BigQuery is busy (quotaExceeded)"),
    ],
    ids=["no table", "no job", "no dataset", "busy", "quota"],
)  # fmt: skip
def test_what_google_refuses_is_one_line_and_the_next_command_does_it(
    cloud: Cloud, tmp_path: Path, fault: Fault, status: int, said: str
) -> None:
    file = written(tmp_path, 10)
    cloud.front.faults.append(replace(fault))
    refused = cloud.watch(file, *OPTIONS, "--yes")
    assert (refused.exit_code, cloud.models.rows) == (status, [])
    [line] = [one for one in refused.stderr.splitlines() if one.startswith("Error: ")]
    assert said in line
    cloud.front.faults.clear()
    assert cloud.watch(file, *OPTIONS, "--yes").exit_code == 0
    assert cloud.count() == (400, 400)


def test_what_a_quota_refuses_for_a_moment_is_loaded_all_the_same(cloud: Cloud, tmp_path: Path) -> None:
    cloud.front.faults += [
        Fault("POST", "/upload/", 403, "rateLimitExceeded"),
        Fault("PUT", "/upload/", 200, "rateLimitExceeded"),
    ]
    assert cloud.watch(written(tmp_path, 10), *OPTIONS, "--yes").exit_code == 0
    assert cloud.count() == (400, 400)
    assert [name.rpartition("_")[2] for name in cloud.front.jobs] == ["0", "1"]


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_command_that_is_killed_while_it_loads_is_gone_on_with(cloud: Cloud, tmp_path: Path, goes_on: bool) -> None:  # noqa: FBT001 - a parameter of the test
    file = written(tmp_path, 60)
    cloud.front.faults.append(Fault("PUT", "/upload/", 403, "killed", after=1, goes_on=goes_on))
    assert cloud.watch(file, *OPTIONS, "--yes").exit_code == 2
    assert (cloud.count(), cloud.models.rows) == ((1000, 1000), [])
    [table], jobs = cloud.made(), len(cloud.front.jobs)
    if not goes_on:
        cloud.front.jobs.popitem()  # what was not uploaded is no job
    again = cloud.watch(file, *OPTIONS, "--yes")
    assert f"appends to  the table test.telemetry.{table}" in again.stdout
    assert (cloud.made(), cloud.count()) == ([table], (2400, 2400))
    assert len(cloud.front.jobs) == jobs + 1
    assert cloud.models.rows[-1]["model"] == "leaving"


def test_a_table_of_other_columns_is_left_alone(cloud: Cloud, tmp_path: Path) -> None:
    cloud.client.query_and_wait("CREATE TABLE telemetry.watch_leaving_20260101000000 (row_id STRING)")
    assert cloud.watch(written(tmp_path, 10), *OPTIONS, "--yes").exit_code == 0
    assert len(cloud.made()) == 2


def test_a_table_with_rows_of_another_log_is_left_alone(cloud: Cloud, tmp_path: Path) -> None:
    cloud.front.faults.append(Fault("PUT", "/upload/", 403, "killed", after=1))
    assert cloud.watch(written(tmp_path, 60), *OPTIONS, "--yes").exit_code == 2
    time.sleep(1.0)  # a table is called by the second in which it is made
    other = cloud.watch(written(tmp_path, 10), *OPTIONS, "--yes")
    assert ("creates     the table" in other.stdout, len(cloud.made())) == (True, 2)


def test_a_table_of_bigquery_gets_a_view(cloud: Cloud, tmp_path: Path) -> None:
    assert cloud.watch(written(tmp_path, 10), *OPTIONS, "--yes").exit_code == 0
    [table] = cloud.made()
    source = ("--timestamp", "scored_at_", "--score", "p", "--id", "row_id", "--name", "seen", "--yes")
    done = cloud.watch(f"bq://test.telemetry.{table}", *source)
    assert done.exit_code == 0, done.output
    assert f"of bq://test.telemetry.{table}: nothing is copied" in done.stdout
    view = next(name for name in cloud.made() if name.startswith("watch_seen_"))
    [row] = cloud.client.query_and_wait(f"SELECT COUNT(*) AS n, MIN(model) AS model FROM telemetry.{view}")
    assert (row.n, row.model) == (400, "seen")
    cloud.front.locations["ops"] = "EU"
    away = cloud.watch("bq://ops.dead_letters", *source)
    assert away.exit_code == 2
    assert "bq://ops.dead_letters: must be in US, as the dataset telemetry is, is in EU" in away.stderr
    gone = cloud.watch("bq://telemetry.none", *source)
    assert (gone.exit_code, gone.stderr.count("\n")) == (2, 1)
    assert gone.stderr.startswith("Error: bq://telemetry.none: BigQuery refused what was asked: ")
