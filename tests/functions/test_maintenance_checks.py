"""What upkeep looks at: rows that are old, tables, the deployment, advice and what must not be."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from core.errors import QueryError, UnavailableError
from core.events import Tick
from core.maintenance.configuration import CHECKS, ConfigurationKind
from core.metrics import CATALOGUE
from core.security.inventory import Binding, IamPolicy, ServiceAccountKey
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ports import Data
from functions.maintenance import cleanup, configuration, files, optimisation, scan
from functions.maintenance.compared import LocalStack, digest
from functions.maintenance.maintenance import NAME, Maintenance, handle
from functions.maintenance.registry import TASKS
from functions.services.maintenance import ADVICE
from infra.local.ports import PUBLIC, Ports
from infra.local.stack import NOWHERE, PRIVATE, RECORD, Stack
from infra.stage import ROOT
from tests.support.fakes import deployed
from tests.support.fakes.compared import ACCOUNT, GRANTED, SETTINGS, MemoryDeployment, as_deployed, compared
from tests.support.fakes.scanned import JINJA, PUBLISHED, MemoryAdvisories, MemoryIam, scanned
from tests.support.fakes.upkeep import AT, DAY, HOUR, Warehouse, findings, new_world, rows, run, system

world = pytest.fixture(new_world)


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
    assert said[:6] == ["1 claims", *(f"1 {name}" for name in cleanup.FORGOTTEN)]
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
