"""Tasks of upkeep: step by step, within their time, again after failures, with a row, a finding and metrics each time."""

import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.errors import BackupError, QueryError, UnavailableError
from core.events import Finding, Severity, Status, Tick
from core.maintenance.backup import Digest, Manifest
from core.maintenance.configuration import CHECKS, ConfigurationKind
from core.maintenance.task import MOST_ATTEMPTS, RunOutcome, Schedule
from core.metrics import CATALOGUE
from core.security.inventory import Binding, IamPolicy, ServiceAccountKey
from core.settings import Settings, Upkeep
from functions.adapters.events import decode
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Data
from functions.maintenance import cleanup, configuration, files, optimisation, scan
from functions.maintenance.compared import LocalStack, digest
from functions.maintenance.maintenance import BUDGET, NAME, Maintenance, handle
from functions.maintenance.outside import Outside, Task
from functions.maintenance.registry import TASKS
from functions.services.maintenance import ADVICE, RUNS, load
from functions.services.steps import Step
from infra.local.ports import PUBLIC, Ports
from infra.local.stack import NOWHERE, PRIVATE, RECORD, Stack
from infra.stage import ROOT
from tests.support.builders.budget import boundaries
from tests.support.crash.breaking import KilledError, MemoryMetrics, MemoryStore
from tests.support.fakes import deployed
from tests.support.fakes.compared import ACCOUNT, GRANTED, SETTINGS, MemoryDeployment, as_deployed, compared
from tests.support.fakes.scanned import JINJA, PUBLISHED, MemoryAdvisories, MemoryIam, scanned

AT = datetime(2026, 6, 1, 1, tzinfo=UTC)
DAY, HOUR, MINUTES = timedelta(days=1), timedelta(hours=1), timedelta(minutes=10)


@dataclass
class Warehouse:
    """Keeps the rows that are appended, and answers statements by a word in them."""

    world: deployed.Outside
    answers: dict[str, list[Data]] = field(default_factory=dict)
    rows: list[Data] = field(default_factory=list)
    asked: list[tuple[str, Data]] = field(default_factory=list)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.world.boundary()
        self.asked.append((" ".join(sql.split()), parameters))
        return next((rows for word, rows in self.answers.items() if word in sql), [])

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:
        yield from self.query(sql, **parameters)

    def append(self, table: str, rows: list[Data], *, together: str = "") -> None:
        assert table == RUNS
        self.world.boundary()
        self.rows += rows
        self.world.boundary()


@dataclass
class Work:
    """A task of three steps, each of which counts; the second may fail, or take its time."""

    world: deployed.Outside
    done: list[str] = field(default_factory=list)
    error: Exception | None = None
    takes: timedelta = timedelta(seconds=1)

    def steps(self, _: Outside, due: datetime) -> Iterator[Step]:
        for name in ("one", "two", "three"):
            yield Step(name, partial(self._do, name))

    def _do(self, name: str) -> str:
        if self.error and name == "two":
            raise self.error
        self.world.boundary()
        self.done.append(name)
        self.world.now += self.takes
        return f"did {name}"


@pytest.fixture
def world() -> deployed.Outside:
    return deployed.Outside(now=AT)


def system(world: deployed.Outside, **answers: list[Data]) -> Outside:
    store = MemoryStore(world)
    return Outside(
        settings=Settings(jobs={}, upkeep=Upkeep(retention={"telemetry.orders": 400 * DAY})),
        store=store,
        bus=deployed.Bus(world),
        warehouse=Warehouse(world, answers),
        metrics=MemoryMetrics(world),
        ledger=Ledger(store, lambda: world.now, "test"),
        clock=lambda: world.now,
        deployment=files.deployment,
        texts=files.texts,
        tables=files.tables,
        scanned=scanned(),
        compared=compared(),
    )


def task_of(work: Work) -> Task:
    return Task(name="work", schedule=Schedule(every=DAY), severity=Severity.CRITICAL, steps=work.steps)


def tick(outside: Outside, work: Work, at: datetime = AT) -> Exception | None:
    result = handle(Maintenance(outside=outside, tasks=[task_of(work)]), Tick(job=NAME, scheduled_at=at))
    assert result is not None
    return result.fault


def findings(world: deployed.Outside) -> list[Finding]:
    return [decode(data, Finding) for topic, data in world.published if topic == "findings"]


def rows(outside: Outside) -> list[Data]:
    warehouse = outside.warehouse
    assert isinstance(warehouse, Warehouse)
    return warehouse.rows


def test_a_task_that_is_due_is_done_once_with_a_row_and_metrics(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world)
    for minute in range(3):
        assert tick(outside, work, AT + minute * MINUTES) is None
    assert work.done == ["one", "two", "three"]
    [row] = rows(outside)
    assert (row["task"], row["outcome"], row["seconds"], row["fault"]) == ("work", "done", 3.0, "")
    assert row["detail"] == "did one; did two; did three"
    assert world.gauges["aia_maintenance_success_timestamp_seconds", "work"] == AT.replace(hour=0).timestamp()
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 1
    assert world.counts["aia_maintenance_runs_total", "work", "done"] == 1
    tick(outside, work, AT + DAY)
    assert len(work.done) == 6


def test_what_does_not_fit_into_the_time_of_a_tick_goes_on_at_the_next(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world, takes=BUDGET)
    for number in range(1, 4):
        tick(outside, work, AT + number * MINUTES)
        assert len(work.done) == number
    assert [row["outcome"] for row in rows(outside)] == ["done"]


def test_a_task_that_fails_is_tried_three_times_and_is_a_finding_until_it_succeeds(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world, error=BackupError("ops.findings: 3 distinct rows differ"))
    for minute in range(5):
        for _ in range(2):  # a tick that is delivered again is no other attempt
            assert tick(outside, work, AT + minute * MINUTES) is None
    assert work.done == ["one"]
    assert [row["outcome"] for row in rows(outside)] == ["failed"] * MOST_ATTEMPTS
    assert len({row["id"] for row in rows(outside)}) == MOST_ATTEMPTS
    [found] = findings(world)
    assert (found.target, found.kind, found.severity) == ("maintenance/work", "maintenance_failed", Severity.CRITICAL)
    assert found.summary == "work failed: ops.findings: 3 distinct rows differ"
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 0
    work.error = None
    tick(outside, work, AT + DAY)
    assert [found.status for found in findings(world)] == [Status.FIRING, Status.RESOLVED]
    assert world.gauges["aia_maintenance_success_ratio", "work"] == 1 / (MOST_ATTEMPTS + 1)


def test_a_fault_of_ours_is_a_failure_of_its_task_and_delays_no_other(world: deployed.Outside) -> None:
    outside, broken, other = system(world), Work(world, error=KeyError("durationn")), Work(world)
    tasks = [task_of(broken), replace(task_of(other), name="other")]
    handle(Maintenance(outside=outside, tasks=tasks), Tick(job=NAME, scheduled_at=AT))
    assert other.done == ["one", "two", "three"]
    assert [found.summary for found in findings(world)] == ["work failed: the task itself is broken: KeyError"]


def test_while_a_dependency_does_not_answer_the_tick_comes_again_and_no_step_is_repeated(
    world: deployed.Outside,
) -> None:
    outside, work = system(world), Work(world, error=UnavailableError("BigQuery: does not answer"))
    for _ in range(2 * MOST_ATTEMPTS):
        assert isinstance(tick(outside, work), UnavailableError)
    assert (work.done, rows(outside), findings(world)) == (["one"], [], [])
    work.error = None
    assert tick(outside, work) is None
    assert work.done == ["one", "two", "three"]


def test_wherever_the_program_ends_every_step_is_done_and_the_run_is_recorded_under_one_id(
    world: deployed.Outside,
) -> None:
    tick(system(world), Work(world))
    for at in boundaries(world.boundaries):
        broken = deployed.Outside(now=AT, kill_at=at)
        outside, work = system(broken), Work(broken)
        try:
            tick(outside, work)
        except KilledError:
            broken.dead, broken.kill_at = False, 0
            broken.now += timedelta(hours=1)  # the lease of the claim is over
            tick(outside, work)
        assert list(dict.fromkeys(work.done)) == ["one", "two", "three"]
        assert len(work.done) <= 4  # the step whose end was not recorded
        assert {row["id"] for row in rows(outside)} == {"work:2026-06-01T00:00Z:0:done"}
        progress = load(outside.store, "work")
        assert progress is not None
        assert progress.outcome is RunOutcome.DONE


def test_a_late_tick_does_not_do_again_what_a_newer_one_did(world: deployed.Outside) -> None:
    outside, work = system(world), Work(world)
    tick(outside, work, AT + DAY)
    tick(outside, work, AT)
    assert len(work.done) == 3


def test_a_new_system_waits_with_its_first_backup_until_the_night(world: deployed.Outside) -> None:
    outside = system(world)
    [backup] = [task for task in TASKS if task.name == "backup"]
    handle(Maintenance(outside=outside, tasks=[backup]), Tick(job=NAME, scheduled_at=AT + MINUTES))
    assert rows(outside) == []
    progress = load(outside.store, "backup")
    assert progress is not None
    assert (progress.outcome, progress.succeeded_at) == (RunOutcome.WAITS, None)
    assert not [name for name, *_ in world.gauges if name.startswith("aia_maintenance_")]
    with pytest.raises(BackupError):  # this warehouse has no manifest of what it is given
        list(backup.steps(outside, AT))


@pytest.mark.parametrize("there", [True, False])
def test_a_restore_that_was_broken_off_is_finished_before_anything_else(
    world: deployed.Outside, *, there: bool
) -> None:
    manifest = Manifest(id="20260601T010000", at=AT, export="1", tables=(), documents=0, digest=Digest().text)
    kept = {"manifest": msgspec.json.encode(manifest).decode(), "status": "verified", "detail": ""}
    outside = system(world, **{"SELECT status, detail, manifest": [kept] if there else []})
    outside.restorer.begin(manifest)
    for step in outside.restorer.steps(manifest):
        step.run()
        if step.name == "exchange":
            break
    outside.store.create("later", "k", {})
    tick(outside, Work(world))
    assert (outside.restorer.unfinished() == "") is there
    assert (outside.store.get("later", "k") is None) is there
    assert [(one.target, one.severity) for one in findings(world)] == (
        [] if there else [("maintenance/restore", Severity.CRITICAL)]
    )


def run(outside: Outside, steps: Callable[[Outside, datetime], Iterator[Step]], due: datetime = AT) -> list[str]:
    return [step.run() for step in steps(outside, due)]


def test_rows_are_deleted_when_they_are_older_than_their_retention(world: deployed.Outside) -> None:
    outside = system(world, is_partitioning_column=[{"column_name": "at"}], **{"COUNT(*)": [{"n": 5}]})
    said = run(outside, cleanup.steps)
    assert [text for text in said if text] == [
        "5 rows of ops.dead_letters",
        "5 rows of ops.maintenance_runs",
        "5 rows of telemetry.orders",
    ]
    warehouse = outside.warehouse
    assert isinstance(warehouse, Warehouse)
    deleted = [asked for asked in warehouse.asked if asked[0].startswith("DELETE")]
    assert deleted[0] == ("DELETE FROM `ops.dead_letters` WHERE `at` < @before", {"before": AT - 90 * DAY})
    assert deleted[2][1] == {"before": AT - 400 * DAY}


def test_a_table_without_partitions_is_left_alone_and_that_is_said(world: deployed.Outside) -> None:
    said = run(system(world), cleanup.steps)
    assert "ops.dead_letters is not partitioned: no row deleted" in said


def test_claims_and_documents_that_expired_are_deleted(world: deployed.Outside) -> None:
    outside = system(world)
    outside.ledger.once("effect", lambda: None)
    for collection in cleanup.FORGOTTEN:
        outside.store.create(collection, "old", {"expires_at": AT - DAY})
        outside.store.create(collection, "new", {"expires_at": AT + 60 * DAY})
    outside.store.create("api_tokens", "old", {"expires_at": AT - DAY})
    world.now += 40 * DAY
    said = run(outside, cleanup.steps, world.now)
    assert said[:5] == ["1 claims", "1 actions", "1 alert_replicas", "1 api_requests", "1 slack_threads"]
    assert {one.key for name in cleanup.FORGOTTEN for one in outside.store.find(name)} == {"new"}
    assert outside.store.find(LEDGER) == []
    assert len(outside.store.find("api_tokens")) == 1


def test_what_expires_on_every_store_is_what_expires_on_firestore() -> None:
    terraform = (ROOT / "infra" / "terraform" / "store.tf").read_text()
    (listed,) = re.findall(r"forgotten = toset\(\[(.*)\]\)", terraform)
    assert {LEDGER, *cleanup.FORGOTTEN} == set(re.findall(r"\w+", listed))


def _columns(**changed: str) -> list[Data]:
    """The columns as they are deployed, some of one table changed."""
    return [
        {"table_name": table.partition(".")[2], "column_name": name, "data_type": changed.get(name, kind)}
        for table, columns in files.tables().items()
        for name, kind in columns.items()
        if table == "ops.maintenance_runs"
    ]


def test_a_table_that_is_not_as_it_is_defined_is_named_with_what_differs(world: deployed.Outside) -> None:
    defined = {"ops.maintenance_runs": files.tables()["ops.maintenance_runs"]}
    right = replace(system(world, COLUMNS=_columns()), tables=lambda: defined)
    assert run(right, configuration.steps) == ["0: tables that are not as defined"]
    wrong = replace(system(world, COLUMNS=_columns(seconds="STRING")), tables=lambda: defined)
    run(wrong, configuration.steps, AT + HOUR)
    [found] = findings(world)
    assert (found.target, found.kind) == ("configuration/tables", "table_changed")
    assert found.evidence["found"] == "ops.maintenance_runs: seconds must be FLOAT64, got STRING"


def changed() -> dict[str, object]:
    """What differs of a deployment in each respect."""
    made = as_deployed(AT)
    old = replace(made.secrets["aia-otlp-token"][0], created_at=AT - 366 * DAY)
    closed = replace(old, number=2, state="DISABLED")
    return {
        "alert_policy_changed": replace(made, policies_now=[replace(made.policies_now[0], enabled=False)]),
        "dashboard_changed": replace(made, dashboards_now=()),
        "access_grant_changed": IamPolicy(
            bindings=(*GRANTED.bindings, Binding(role="roles/owner", members=(ACCOUNT,)))
        ),
        "function_changed": replace(made, functions_now=[replace(made.functions_now[0], archive="api-2.zip")]),
        "old_secret": replace(made, secrets={"aia-otlp-token": [old]}),
        "unusable_secret": replace(made, secrets={"aia-otlp-token": [old, closed]}),
    }


SAID = {
    "alert_policy_changed": "models/Drift: is disabled",
    "dashboard_changed": "Models: is missing",
    "access_grant_changed": f"is not deployed: {ACCOUNT} roles/owner",
    "function_changed": "api: archive must be api-1.zip, got api-2.zip",
    "old_secret": "aia-otlp-token is 366 days old",
    "unusable_secret": "aia-otlp-token has version 2 as its newest, which is DISABLED",
}


@pytest.mark.parametrize("kind", SAID)
def test_what_differs_from_the_last_apply_is_a_finding_until_it_is_gone(world: deployed.Outside, kind: str) -> None:
    made, given = as_deployed(AT), changed()[kind]
    for number in range(4):
        wrong = number in (1, 2)
        policy = given if wrong and isinstance(given, IamPolicy) else GRANTED
        there = given if wrong and isinstance(given, MemoryDeployment) else made
        outside = replace(
            system(world, COLUMNS=[]), tables=dict, scanned=scanned(MemoryIam(policy)), compared=compared(there)
        )
        said = run(outside, configuration.steps, AT + number * HOUR)
        assert sum(not text.startswith("0: ") for text in said) == wrong, said
        told = [(one.kind, one.status.value) for one in findings(world)]
        at_once = CHECKS[ConfigurationKind(kind)].fire_after == 1
        assert told == [(kind, "firing")] * (min(number, 2) - (not at_once and number > 0)) + [(kind, "resolved")] * (
            number == 3
        )
    assert findings(world)[0].evidence["found"] == SAID[kind]


def test_settings_that_terraform_did_not_read_are_told(world: deployed.Outside) -> None:
    there = as_deployed(AT)
    there.made = replace(there.made, settings="0" * 64)
    outside = replace(system(world, COLUMNS=[]), tables=dict, compared=compared(there))
    there.made = replace(there.made, functions=(replace(there.made.functions[0], settings="1" * 64),))
    said = run(outside, configuration.steps)
    own_and_anothers = "2: functions that are not as deployed ("
    assert any(one.startswith(own_and_anothers) for one in said), said


def test_without_an_answer_nothing_is_known_of_a_deployment(world: deployed.Outside) -> None:
    there = as_deployed(AT)
    there.error = QueryError("Cloud Storage refuses the record of the deployment: 403")
    outside = replace(system(world, COLUMNS=[]), tables=dict, compared=compared(there))
    for number in range(2):
        said = run(outside, configuration.steps, AT + number * HOUR)
        assert [text.partition(":")[0] for text in said] == ["0", *["not known"] * 6]
        assert len(findings(world)) == number * 6
    assert {(one.kind, one.target.partition("/")[0]) for one in findings(world)} == {("no_verdict", "configuration")}


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[LocalStack]:
    """The record of a stack with one program, and its settings."""
    settings = tmp_path / "monitoring.yaml"
    settings.write_bytes(SETTINGS.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as program:
        record = {"settings": str(settings), "digest": digest(settings), "ports": {"inbox": program.getsockname()[1]}}
        file = tmp_path / "stack.json"
        file.write_bytes(msgspec.json.encode(record))
        yield LocalStack(file=file)


def test_settings_that_were_changed_and_programs_that_are_gone_are_told_of_a_local_stack(stack: LocalStack) -> None:
    assert (stack.settings(), stack.programs()) == ([], [])
    record = msgspec.json.decode(stack.file.read_bytes())
    Path(record["settings"]).write_text("jobs: {}")
    with socket.create_server(("127.0.0.1", 0)) as gone:
        record["ports"]["warehouse"] = gone.getsockname()[1]
    stack.file.write_bytes(msgspec.json.encode(record))
    assert stack.settings() == [f"{record['settings']} has changed since the start; restart to load it"]
    assert stack.programs() == [f"warehouse on port {record['ports']['warehouse']}"]
    Path(record["settings"]).unlink()
    with pytest.raises(UnavailableError, match="cannot be read"):
        stack.settings()
    stack.file.write_bytes(b"[" * 100_000)
    with pytest.raises(UnavailableError, match="must be the record of a stack"):
        stack.programs()


def test_a_stack_writes_down_what_the_check_reads(tmp_path: Path) -> None:
    ports = Ports(dict.fromkeys([*PUBLIC, *PRIVATE], int(NOWHERE.rpartition(":")[2])))
    Stack(tmp_path, ports).write_record()
    written = LocalStack(file=tmp_path / RECORD)
    assert written.settings() == []
    silent = {line.partition(" ")[0] for line in written.programs()}
    assert silent == set(ports.by_name) - {"mlflow", "vertex"}, "nothing was started"


def test_advice_is_kept_for_the_api_and_counted(world: deployed.Outside) -> None:
    rows = [{"target": "model/a", "n_incidents": 4, "n_acknowledged": 0}]
    outside = system(world, incident_changes=rows)
    [said] = run(replace(outside, texts=lambda: {"all": " ".join(CATALOGUE)}), optimisation.steps)
    assert said == "ignored alarms: 1"
    document = outside.store.get("maintenance", ADVICE)
    assert document is not None
    assert [one["subject"] for one in document.data["advice"]] == ["model/a"]


def test_each_monday_what_must_not_be_is_a_finding_until_it_is_gone(world: deployed.Outside) -> None:
    key = ServiceAccountKey(name="projects/shop/serviceAccounts/etl@shop/keys/a1", made_at=AT - 91 * DAY)
    advisories = MemoryAdvisories({JINJA: ["GHSA-462w-v97r-4m45"]})
    system_of = partial(replace, system(world))
    [monday] = [task for task in TASKS if task.name == "security-scan"]
    due = datetime(2026, 6, 8, 4, tzinfo=UTC)
    for number, given in enumerate([scanned(), scanned(MemoryIam(PUBLISHED, (key,)), advisories), scanned()]):
        outside = system_of(scanned=given)
        handle(Maintenance(outside=outside, tasks=[monday]), Tick(job=NAME, scheduled_at=due + (number - 1) * 7 * DAY))
    told = [(one.status.value, one.kind, one.severity.value, one.summary) for one in findings(world)]
    fired = [
        ("firing", "iam_exposure", "error", "roles that everybody has: allUsers has roles/viewer"),
        ("firing", "old_key", "warning", f"old keys of service accounts: {key.name} is 98 days old"),
        ("firing", "vulnerable_dependency", "warning", "packages with advisories: jinja2 2.4.1: GHSA-462w-v97r-4m45"),
    ]
    assert told[:3] == fired
    assert [one[:2] for one in told[3:]] == [("resolved", kind) for _, kind, _, _ in fired]
    checks = ("roles that everybody has", "old keys of service accounts", "packages with advisories")
    found = ("allUsers has roles/viewer", f"{key.name} is 98 days old", "jinja2 2.4.1: GHSA-462w-v97r-4m45")
    assert [row["detail"] for row in rows(outside)] == [
        "; ".join(f"1: {check} ({one})" for check, one in zip(checks, found, strict=True)),
        "; ".join(f"0: {check}" for check in checks),
    ]


def test_what_cannot_be_read_is_not_known_and_a_finding_after_two_scans(world: deployed.Outside) -> None:
    down = scanned(
        MemoryIam(error=QueryError("IAM refuses the policy of shop: 403")),
        MemoryAdvisories(error=UnavailableError("osv.dev does not answer")),
    )
    outside = replace(system(world), scanned=down)
    for week in range(2):
        said = run(outside, lambda one, due: scan.steps(one.scanned, one.tracker, due), AT + week * 7 * DAY)
        assert all(text.startswith("not known: ") for text in said)
        assert len(findings(world)) == week * len(said)
    assert {(one.kind, one.target.partition("/")[0]) for one in findings(world)} == {("no_verdict", "compliance")}


def test_nobody_is_asked_for_advisories_where_the_settings_say_so(world: deployed.Outside) -> None:
    silent = replace(scanned(), advisories=None)
    assert [step.name for step in scan.steps(silent, system(world).tracker, AT)] == ["iam_exposure", "old_key"]


def test_the_packages_of_the_functions_are_those_of_the_lock() -> None:
    found = {one.name for one in files.packages()}
    assert {"msgspec", "google-auth", "numpy"} <= found
    assert not {"pytest", "mypy", "aia-monitoring"} & found
