"""Every statement of the functions: GoogleSQL by Google's own analyser, and run by BigQuery's emulator."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from zetasql.core.exceptions import ZetaSQLError

from core.drift import Profile, Statement
from core.errors import QueryError
from core.events import PipelineRun, RunStatus
from core.maintenance.backup import TableBackup, scratch_name, snapshot_name
from core.settings import (
    Billing,
    Business,
    Exposures,
    Features,
    Label,
    MarketTable,
    Model,
    Rates,
    Reference,
    Spending,
)
from core.versions import AliasChange, AliasName, Version
from functions.adapters.columns import chunked
from functions.adapters.registries import aliases, record
from functions.adapters.registries.register import WRITE_VERSION
from functions.adapters.training import history
from functions.adapters.warehouse import BigQueryWarehouse
from functions.bi_rollup.model_roi import ReturnRow
from functions.bi_rollup.statements import statement as business_statement
from functions.drift_score import statements
from functions.drift_score.slots import statements as slots
from functions.maintenance import cleanup, configuration
from functions.pipeline_monitor import monitor as pipeline_monitor
from functions.promotion.experiment import shadow_pairs
from functions.services.backups import tables as backup_tables
from functions.services.reports.read import statement as report_statement
from infra.local.warehouse import TableDefinition, read_definitions
from infra.training.steps.extract import Source
from infra.training.steps.extract import statement as extract_statement
from infra.training.steps.score import Target
from infra.training.steps.score import statement as score_statement
from tests.support.builders.business import ORDERS
from tests.support.builders.runs import AT, MINUTE, line_of, told, whole
from tests.support.checks.googlesql import GoogleSql, of_the_deployment

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)  # the analyser is compiled when it is first used, which takes a while

FOLDER = Path(__file__).parents[2] / "functions"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = Model(
    name="flight-delay",
    owner="operations",
    table="telemetry.flight_predictions",
    timestamp="scored_at",
    id="prediction_id",
    score="probability",
    features=Features(numeric=("distance", "hour"), categorical=("carrier", "origin")),
    reference=Reference(days=59, until=date(2026, 1, 1)),
    window=timedelta(days=7),
)
LABEL = Label(table="telemetry.flight_labels", column="late", arrives_within=timedelta(hours=12))
SPENDING = Spending(table="telemetry.orders", timestamp="ordered_at", kind="source", amount="amount_dollars")
MARKET = MarketTable(
    table="telemetry.flight_predictions", timestamp="scored_at", id="prediction_id", company="carrier", ours="UA"
)
BILLING = Billing(table="telemetry.billing_export", export="detailed", partition="export_time")
RATES = Rates(table="telemetry.exchange_rates", day="day", currency="currency", rate="rate")

EXPOSURES = Exposures(
    table="telemetry.orders", timestamp="ordered_at", customer="customer_id", model="model", arm="arm"
)
BUSINESS = Business(orders=ORDERS, rates=RATES, exposures=EXPOSURES, market=MARKET, spending=SPENDING, billing=BILLING)
OTHER_BUSINESS = Business(
    time_zone="Europe/Berlin",
    currency="EUR",
    orders=replace(
        ORDERS,
        customer=None,
        outcome=None,
        amount="amount",
        tax="tax",
        discount="discount",
        currency="currency",
        test="is_test",
        model="model",
        version="model_version",
        arm="arm",
        device="device",
        country="country",
    ),
    rates=RATES,
    exposures=EXPOSURES,
    market=replace(MARKET, amount="distance"),
    spending=SPENDING,
    billing=replace(BILLING, export="standard"),
)
WITHOUT_RATES = Business(orders=ORDERS)
RETURN = ReturnRow(
    model="m",
    arm="b",
    basis="share",
    basis_text="of",
    verdict="good",
    reason=None,
    customers=3,
    target=0.5,
    roi_middle=1.5,
)
RUN = line_of(whole(0, 10, read=3, train=6)).runs[0]

PARAMETERS: dict[str, Any] = {
    "at": NOW,
    "backup_at": NOW,
    "batch": "b2",
    "before": NOW - timedelta(days=14),
    "before_id": "model-flight-delay-20260301-00000000",
    "before_batch": "b1",
    "before_counted_at": NOW - timedelta(minutes=15),
    "before_end": NOW - timedelta(minutes=15),
    "counted_at": NOW,
    "challenger": "8",
    "champion": "7",
    "collection": "incidents",
    "costs": [
        {
            "day": NOW,
            "model": "churn",
            "direct_dollars": 1.5,
            "shared_dollars": 0.5,
            "dollars": 2.0,
            "predictions": None,
        }
    ],
    "day": NOW,
    "day_end": NOW - timedelta(days=1),
    "day_since": NOW - timedelta(days=7),
    "days": [NOW],
    "day_start": NOW - timedelta(days=1, minutes=15),
    "day_until": NOW,
    "earliest": NOW - timedelta(days=7),
    "export": "1",
    "exported_until": NOW,
    "failed": ["failed", "declined"],
    "first": NOW - timedelta(days=2),
    "forecasts": [{"made_at": NOW, "source": "shop", "day": NOW, "low": 1.0, "middle": 2.0, "high": 3.0, "mean": 2.1}],
    "end": NOW,
    "id": "a1",
    "incident": "model-flight-delay-20260301-00000000",
    "kind": "drift",
    "kinds": ["command", "incident"],
    "last": NOW,
    "late_end": NOW - timedelta(hours=1),
    "late_start": NOW - timedelta(hours=1, minutes=15),
    "leaving_0": NOW - timedelta(days=1),
    "left_0": NOW - timedelta(days=1, minutes=15),
    "metrics": [{"measured_at": NOW, "name": "aia_revenue_dollars", "labels": "{}", "value": 1.5}],
    "midnight": NOW,
    "middle": NOW - timedelta(days=10),
    "model": "flight-delay",
    "models": ["flight-delay", "churn"],
    "loop": 10,
    "most": 1000,
    "most_names": 50,
    "most_services": 100,
    "name": "aia_roi_ratio",
    "names": ["aia_roi_ratio", "aia_customers"],
    "new_end": NOW,
    "new_start": NOW - timedelta(minutes=15),
    "oldest": NOW - timedelta(days=60),
    "opened_since": NOW - timedelta(days=400),
    "partners": ["bank"],
    "person": "ada",
    "oldest_day": NOW - timedelta(days=60),
    "pipeline": "etl",
    "profiles": ["churn:1:0123456789abcdef"],
    "recommendations": [
        {
            "key": "idle_endpoint:model/churn",
            "kind": "idle_endpoint",
            "target": "model/churn",
            "dollars_per_month": None,
            "evidence": "no prediction in 14 days",
            "confidence": "high",
            "scope": "{}",
            "state": "open",
            "decided_by": None,
            "note": None,
            "decided_at": None,
            "first_seen": NOW,
            "last_seen": NOW,
            "saved_dollars": None,
            "saved_until": None,
        }
    ],
    "refunded": ["refunded"],
    "rows": pipeline_monitor.rows(RUN),
    "returns": [asdict(RETURN), asdict(replace(RETURN, roi_middle=None, reason="too few", customers=None))],
    "run_id": "r0",
    "samples": [{"model": "churn", "n": 3}],
    "scopes": [{"key": "a", "model": "churn", "service": "", "region": "", "resource": ""}],
    "severities": [2, 3],
    "second": NOW - timedelta(days=1),
    "since": NOW - timedelta(days=35),
    "services": ["Vertex AI"],
    "slot_seconds": 900,
    "source": "drift_score",
    "sources": ["shop"],
    "stakeholders": ["executive"],
    "start": NOW - timedelta(hours=1),
    "subjects": ["shop"],
    "taken": ["taken"],
    "target": "model/%",
    "totals": [
        {
            "made_at": NOW,
            "source": "shop",
            "low": 1.0,
            "middle": 2.0,
            "high": 3.0,
            "naive": 2.1,
            "usual_error": None,
        }
    ],
    "until": NOW,
    "version": "1",
    "versions": ["7", "8"],
    "window_end": NOW,
    "windows": [{"profile": "churn:1:0123456789abcdef", "seconds": 86_400, "is_moved": True}],
    "window_start": NOW - timedelta(days=7),
    "words": "churn accuracy",
}
"""A value for each name of a parameter, of the type that the functions give it."""


def used(sql: str) -> dict[str, Any]:
    """The parameters that a statement names."""
    return {name: PARAMETERS[name] for name in sorted(set(re.findall(r"@(\w+)", sql)))}


def counting(by: str | None) -> Statement:
    """The statement that counts a window of the model in the warehouse."""
    profile = Profile.fit({"distance": [1.0, 2.0, 3.0], "carrier": ["UA", "DL", "UA"]})
    return statements.counting(MODEL, profile, PARAMETERS["window_start"], PARAMETERS["window_end"], by)


def business_statements() -> dict[str, str]:
    """The statements of bi_rollup, and those that other settings change."""
    names = sorted(path.stem for path in (FOLDER / "bi_rollup").glob("*.sql"))
    usual = {f"bi_rollup/{name}.sql": business_statement(name, BUSINESS) for name in names}
    other = {f"bi_rollup/{name}.sql with other settings": business_statement(name, OTHER_BUSINESS) for name in names}
    reading = ("orders", "payment_counts", "revenue_differences", "write_customer_days", "write_revenue_hours")
    plain = {f"bi_rollup/{name}.sql without rates": business_statement(name, WITHOUT_RATES) for name in reading}
    return usual | plain | {name: sql for name, sql in other.items() if sql not in usual.values()}


def report_statements() -> dict[str, str]:
    """The statements of reports that depend on the time zone."""
    name = "services/reports/statements/revenue_days.sql"
    return {
        name: report_statement("revenue_days", "UTC"),
        f"{name} in Berlin": report_statement("revenue_days", "Europe/Berlin"),
    }


def training_rows() -> Statement:
    """The statement that reads what a version is trained on."""
    source = Source(
        model="m",
        table=MODEL.table,
        timestamp=MODEL.timestamp,
        id=MODEL.id,
        score=MODEL.score,
        label_table=LABEL.table,
        label=LABEL.column,
        numeric=("distance",),
        categorical=("carrier",),
    )
    names = {"model": "m", "model_version": "7"}
    return Statement(
        sql=extract_statement(source),
        parameters=names | {name: PARAMETERS[name] for name in ("window_start", "window_end")},
    )


def unscored_rows() -> Statement:
    """The statement of a scoring pipeline."""
    target = Target(
        model="m",
        version="8",
        start=PARAMETERS["window_start"],
        end=PARAMETERS["window_end"],
        table=MODEL.table,
        timestamp=MODEL.timestamp,
        id=MODEL.id,
        numeric=("distance",),
        categorical=("carrier",),
    )
    given = {"model": "m", "model_version": "8", "window_start": target.start, "window_end": target.end}
    return Statement(sql=score_statement(target), parameters=given)


def version_statements() -> dict[str, Statement]:
    """The statements that write versions and their aliases."""
    version = Version(
        model="m", version="7", reference_start=NOW - timedelta(days=1), reference_end=NOW, created_at=NOW
    )
    alias = AliasChange(
        model="m", alias=AliasName.CHALLENGER, version=None, changed_at=NOW, changed_by="ann", why="slower"
    )
    return {
        "adapters/registries/write_version.sql": Statement(sql=WRITE_VERSION, parameters=record.row(version)),
        "adapters/registries/write_alias.sql": Statement(sql=aliases.WRITE, parameters=aliases.row(alias)),
    }


def every_statement() -> dict[str, Statement]:
    """All statements by name; a file with names to fill in is there as what it becomes."""
    labelled = replace(MODEL, label=LABEL)
    columns = (*MODEL.features.names, MODEL.score)
    window, both = (statements.window(model, columns, seconds=True) for model in (MODEL, labelled))
    texts = {str(path.relative_to(FOLDER)): path.read_text() for path in sorted(FOLDER.rglob("*.sql"))} | {
        "drift_score/window.sql": window,
        "drift_score/labelled_window.sql": both,
        "drift_score/window_summary.sql": statements.window_summary(MODEL),
        "adapters/training/count_labels.sql": history.count_labels_sql(MODEL, LABEL),
        "drift_score/slots/count_slots.sql": slots.count_slots(slots.Source.of(MODEL), [MODEL]),
        "drift_score/slots/sum_windows.sql": slots.move_windows([timedelta(days=1)]),
        "drift_score/slots/sum_windows.sql anew": slots.sum_windows(),
        "promotion/shadow_pairs.sql": shadow_pairs(MODEL, LABEL),
        **business_statements(),
        **report_statements(),
        "drift_score/window.sql by column": chunked(window),
        "drift_score/labelled_window.sql by column": chunked(both),
    }
    made = {"count_sql": counting(by=None), "count_sql by segment": counting(by="origin"), **version_statements()}
    made["infra/training/steps/extract.sql"] = training_rows()
    made["infra/training/steps/score.sql"] = unscored_rows()
    return {name: Statement(sql=sql, parameters=used(sql)) for name, sql in texts.items() if name not in made} | made


EVERY = every_statement()


BACKUP = "20260301T120000"


@dataclass
class Recorder:
    """Answers what statements of upkeep ask for, and keeps them."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)

    def query(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        self.asked[sql] = parameters
        return [{"n": 1, "n_different": 0, "n_rows": 1, "column_name": "at", "table_name": "t", "table_type": "VIEW"}]

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> list[dict[str, Any]]:
        raise AssertionError

    def append(self, table: str, rows: Sequence[dict[str, Any]], *, together: str = "") -> None:
        raise AssertionError


def of_backups(table: str) -> dict[str, dict[str, Any]]:
    """The statements of backups that are formed with the name of a table, and the parameters of each."""
    recorder = Recorder()
    snapshot = snapshot_name(table, BACKUP)
    backup = TableBackup(table=table, snapshot=snapshot, rows=1, rows_live=1)
    backup_tables.snapshot(recorder, table, snapshot)
    backup_tables.described(recorder, table, BACKUP)
    scratch = backup_tables.restore_into(recorder, backup, "verify", {snapshot})
    backup_tables.replace(recorder, table, scratch)
    backup_tables.drop(recorder, scratch)
    recorder.query(backup_tables.DROP_SNAPSHOT.format(name=snapshot))
    return recorder.asked


def of_clean_up(table: TableDefinition) -> dict[str, dict[str, Any]]:
    """The same, of the clean-up of a table."""
    names = {"table": table.id, "column": table.partition["field"]}
    asked = {statement.format(**names): {"before": NOW} for statement in (cleanup.COUNT, cleanup.DELETE)}
    return asked | {cleanup.PARTITION.format(dataset=table.dataset): {"name": table.name}}


def test_what_upkeep_does_with_tables_is_googlesql() -> None:
    definitions = read_definitions()
    own = [one for one in definitions if one.dataset in ("marts", "ops")][::6]  # names alone differ
    copies = [
        replace(one, dataset="backups", name=name.rpartition(".")[2])
        for one in own
        for name in (snapshot_name(one.id, BACKUP), scratch_name(one.id, "verify"))
    ]
    analyser = GoogleSql([*definitions, *copies])
    backed_up = [of_backups(one.id) for one in own]
    cleaned = [of_clean_up(one) for one in definitions if one.partition]
    listed = [
        {text.format(dataset=dataset): {} for text in (configuration.COLUMNS, backup_tables.TABLES)}
        for dataset in ("backups", "marts", "ops")
    ]
    for sql, parameters in {
        name: given for part in (*backed_up, *cleaned, *listed) for name, given in part.items()
    }.items():
        analyser.analyse(sql, parameters)
    assert {len(part) for part in backed_up} == {8}
    with pytest.raises(ZetaSQLError, match="no_such_table"):
        analyser.analyse(backup_tables.SNAPSHOT.format(name="backups.x", table="ops.no_such_table"), {})


@pytest.fixture(scope="module")
def analyser() -> GoogleSql:
    return of_the_deployment()


@pytest.mark.parametrize("name", EVERY)
def test_a_statement_is_googlesql_and_fits_the_tables(analyser: GoogleSql, name: str) -> None:
    analyser.analyse(EVERY[name].sql, EVERY[name].parameters)


@pytest.mark.parametrize("name", EVERY)
def test_a_statement_runs_on_the_emulator(warehouse: BigQueryWarehouse, name: str) -> None:
    warehouse.query(EVERY[name].sql, **EVERY[name].parameters)


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELEC model FROM ops.drift_scores", "SELEC"),
        ("SELECT modle FROM ops.drift_scores", "modle"),
        ("SELECT model FROM ops.drift_score_s", "drift_score_s"),
        ("SELECT SUM(model) FROM ops.drift_scores", "SUM"),
        ("SELECT model FROM ops.drift_scores WHERE model = @nobody_gave_it", "nobody_gave_it"),
    ],
)
def test_what_is_wrong_is_refused_by_both_with_its_name(
    analyser: GoogleSql, warehouse: BigQueryWarehouse, sql: str, names: str
) -> None:
    with pytest.raises(ZetaSQLError, match=f"(?i){names}"):
        analyser.analyse(sql, {})
    with pytest.raises(QueryError, match=f"(?i){names}"):
        warehouse.query(sql)


def test_a_parameter_of_the_wrong_type_is_refused_by_the_analyser(analyser: GoogleSql) -> None:
    with pytest.raises(ZetaSQLError, match="TIMESTAMP, INT64"):
        analyser.analyse("SELECT model FROM ops.drift_scores WHERE window_end >= @since", {"since": 1})


RUNS = (
    "SELECT stage, status, started_at, ended_at, seconds FROM ops.pipeline_runs WHERE run_id = @run_id ORDER BY stage"
)


def write_run(warehouse: BigQueryWarehouse, *events: PipelineRun) -> list[dict[str, Any]]:
    """What the table has of a run once it is written."""
    [run] = line_of(events).runs
    sql = EVERY["pipeline_monitor/write_runs.sql"].sql
    given = {"pipeline": "etl", "run_id": run.run_id, "first": run.first, "last": run.last}
    warehouse.query(sql, **given, rows=pipeline_monitor.rows(run))
    return warehouse.query(RUNS, run_id=run.run_id)


def test_a_run_is_written_in_place_of_what_was_known_of_it_before(warehouse: BigQueryWarehouse) -> None:
    end = told(RunStatus.SUCCEEDED, 10, run="in-place")
    other = write_run(warehouse, told(RunStatus.FAILED, 11, run="beside"))
    [alone] = write_run(warehouse, end)
    assert (alone["stage"], alone["started_at"], alone["seconds"]) == ("", None, None)
    story = (*whole(0, 10, read=3), end)
    events = [replace(event, run_id="in-place") for event in story]
    whole_run, stage = write_run(warehouse, *events)
    assert (whole_run["started_at"], whole_run["ended_at"], whole_run["seconds"]) == (AT, AT + 10 * MINUTE, 600)
    assert (stage["stage"], stage["status"], stage["seconds"]) == ("read", "succeeded", 180)
    assert write_run(warehouse, *events) == [whole_run, stage]
    assert warehouse.query(RUNS, run_id="beside") == other


@pytest.mark.parametrize("event", [told(RunStatus.FAILED, 1), told(RunStatus.RUNNING, 1, stage="read")])
def test_a_run_of_which_little_is_known_still_fits_the_table(
    analyser: GoogleSql, warehouse: BigQueryWarehouse, event: PipelineRun
) -> None:
    [run] = line_of([event]).runs
    parameters = {"pipeline": "etl", "run_id": "little", "first": run.first, "last": run.last}
    parameters |= {"rows": pipeline_monitor.rows(run)}
    sql = EVERY["pipeline_monitor/write_runs.sql"].sql
    analyser.analyse(sql, parameters)
    warehouse.query(sql, **parameters)
    assert len(warehouse.query(RUNS, run_id="little")) == 1 + len(run.stages)
