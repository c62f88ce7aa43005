"""The action retrain_model: BigQuery's emulator has the labels and versions, our Pub/Sub server takes the request."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.cloud import bigquery

from core.actions.plan import ActionReason
from core.errors import ActionError, UnavailableError
from core.events import PipelineRun, RetrainingRequest, RunStatus, stamp
from core.pipelines.state import PipelineState, advance
from core.retraining.start import training
from core.settings import Features, Label, Model, Reference, Retraining, TrainingPipeline
from core.versions import AliasChange, AliasName
from functions.adapters import events
from functions.adapters.actions.retrain_model import RetrainModel
from functions.adapters.bus import PubsubBus, open_bus
from functions.adapters.pipelines import pipeline_data
from functions.adapters.registries import aliases
from functions.adapters.warehouse import BigQueryWarehouse
from tests.contract import pubsub_fixtures as pubsub
from tests.support.builders.flights import DAY, TICK, flights, labels, load, version
from tests.support.checks.action_conformance import KEY, request
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.recorders import RecordingBus

if TYPE_CHECKING:  # imported earlier than as a plugin, its assertions could not be rewritten
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]

LABEL = Label(table="telemetry.delay_labels", column="late", arrives_within=timedelta(hours=12))
PIPELINE = TrainingPipeline(
    template="https://us-east1-kfp.pkg.dev/my-project/pipelines/train-delay/v1", root="gs://runs/x"
)
POLICY = Retraining(important=("distance",), minimum_labels=40, window=10 * DAY, pipeline=PIPELINE)
MODEL = Model(
    name="delay",
    owner="operations",
    table="telemetry.delay_predictions",
    timestamp="scored_at",
    id="prediction_id",
    score="probability",
    features=Features(numeric=("temperature", "distance"), categorical=("carrier",)),
    reference=Reference(days=10),
    window=DAY,
    label=LABEL,
    accuracy_floor=0.8,
    retraining=POLICY,
)
FINDING = "model/delay:drift:2026-03-01T11:45:00Z"
ASKED = replace(request("retrain_model", MODEL.target), requested_at=TICK, finding_id=FINDING)
DUE = TICK - timedelta(hours=12)
"""Where the data to train on ends: the labels of what was predicted later are not due yet."""


@pytest.fixture
def full(client: bigquery.Client) -> bigquery.Client:
    """A hundred predictions of the last five days before labels are due, half of them labelled, and a version."""
    rows = flights(100, DUE, seed=1, span=5 * DAY)
    truths = labels(rows[::2], TICK - timedelta(hours=1), right=0.9)
    make(client, MODEL.table, rows)
    make(client, LABEL.table, truths)
    load(client, "ops.model_versions", [version("7")])
    return client


def make(client: bigquery.Client, table: str, rows: list[dict[str, Any]]) -> None:
    kinds = {str: "STRING", float: "FLOAT64", bool: "BOOL"}
    schema = [
        bigquery.SchemaField(name, "TIMESTAMP" if name.endswith("_at") else kinds[type(value)])
        for name, value in rows[0].items()
    ]
    client.create_table(bigquery.Table(f"{client.project}.{table}", schema))
    load(client, table, rows)


@pytest.fixture
def bus() -> RecordingBus:
    return RecordingBus()


@pytest.fixture
def action(full: bigquery.Client, bus: RecordingBus) -> RetrainModel:
    return retrain(full, bus)


def retrain(client: bigquery.Client, bus: Any, store: Any = None, **changes: Any) -> RetrainModel:
    return RetrainModel(
        lambda: {MODEL.name: replace(MODEL, **changes)},
        BigQueryWarehouse(client, patience=2.0),
        bus,
        store or MemoryStore(Breaking()),
        clock=lambda: TICK,
    )


def test_the_request_names_version_data_and_labels(action: RetrainModel) -> None:
    plan = action.plan(ASKED)
    assert events.decode(plan.state["request"].encode(), RetrainingRequest) == RetrainingRequest(
        model="delay",
        model_version="7",
        requested_at=TICK,
        reason="incident",
        window_start=DUE - 10 * DAY,
        window_end=DUE,
        n_labels=50,
        floor=0.8,
        requested_by=f"finding:{FINDING}",
    )
    assert plan.touched == 1
    assert "version 7" in plan.summary
    assert {type(text) for pair in plan.state.items() for text in pair} == {str}


def test_a_plan_asks_for_nothing(action: RetrainModel, bus: RecordingBus) -> None:
    action.plan(ASKED)
    assert bus.events == []


@pytest.mark.parametrize("policy", [None, replace(POLICY, pipeline=None)])
def test_where_nothing_trains_it_nothing_is_planned(full: bigquery.Client, bus: RecordingBus, policy: Any) -> None:
    with pytest.raises(ActionError, match=r"models\.delay\.retraining\.pipeline: must be given .*: no pipeline"):
        retrain(full, bus, retraining=policy).plan(ASKED)


def test_the_newest_version_in_use_is_the_one_to_replace(
    full: bigquery.Client, action: RetrainModel, bus: RecordingBus
) -> None:
    load(full, "ops.model_versions", [version("8", TICK - 5 * DAY), version("9", TICK + DAY)])
    load(full, "ops.model_versions", [version("10", TICK - 2 * DAY, model="churn")])
    assert json.loads(action.plan(ASKED).state["request"])["model_version"] == "8"


def test_too_few_labels_are_refused_with_their_number(full: bigquery.Client, bus: RecordingBus) -> None:
    policy = replace(POLICY, minimum_labels=51)
    with pytest.raises(ActionError, match=r"needs 51 labels since .*, has 50"):
        retrain(full, bus, retraining=policy).plan(ASKED)


def test_a_model_without_a_version_is_refused(full: bigquery.Client, bus: RecordingBus) -> None:
    before = replace(ASKED, requested_at=TICK - 29 * DAY - timedelta(seconds=1))
    policy = replace(POLICY, minimum_labels=1)
    with pytest.raises(ActionError, match=r"must have a version in ops\.model_versions"):
        retrain(full, bus, retraining=policy).plan(before)


def test_a_model_without_labels_in_the_settings_is_refused(full: bigquery.Client, bus: RecordingBus) -> None:
    with pytest.raises(ActionError, match=r"models\.delay\.label: must be given"):
        retrain(full, bus, label=None).plan(ASKED)


def test_a_target_that_is_no_model_is_refused(action: RetrainModel) -> None:
    with pytest.raises(ActionError, match="nobody/knows"):
        action.plan(request("retrain_model", "nobody/knows"))


def test_a_table_that_is_missing_is_final_and_named(full: bigquery.Client, bus: RecordingBus) -> None:
    with pytest.raises(ActionError, match="no_such_table"):
        retrain(full, bus, table="telemetry.no_such_table").plan(ASKED)


def test_asking_twice_is_the_same_event(action: RetrainModel, bus: RecordingBus) -> None:
    plan = action.plan(ASKED)
    assert action.apply(plan, KEY) == action.apply(plan, KEY) == "requested as delay:2026-03-01T12:00:00Z"
    assert len({event.id for event in bus.events}) == len({events.encode(event) for event in bus.events}) == 1


def test_nothing_is_asked_for_when_another_version_came_into_use(
    full: bigquery.Client, action: RetrainModel, bus: RecordingBus
) -> None:
    plan = action.plan(ASKED)
    load(full, "ops.model_versions", [version("8", TICK - 2 * DAY)])
    with pytest.raises(ActionError, match="version 7 must be in use as planned, is 8"):
        action.apply(plan, KEY)
    assert bus.events == []


def test_it_has_worked_when_a_version_came_out_of_it_and_cannot_be_taken_back(
    full: bigquery.Client, bus: RecordingBus
) -> None:
    store = MemoryStore(Breaking())
    action = retrain(full, bus, store)
    plan = action.plan(ASKED)
    action.apply(plan, KEY)
    run_id = plan.state["run_id"]
    assert run_id == training(bus.events[0], PIPELINE).job_id

    def found() -> tuple[str, str]:
        verification = action.verify(plan)
        return verification.health.value, verification.detail

    assert found() == ("pending", "requested: no run of it is known yet")
    running = PipelineRun(
        pipeline="train-delay", run_id=run_id, status=RunStatus.RUNNING, observed_at=TICK, stage="train"
    )
    state = advance(PipelineState(name="train-delay"), running).pipeline
    store.create("pipelines", "train-delay", pipeline_data(state))
    assert found() == ("pending", "started: train")
    row = {
        "request_id": bus.events[0].id,
        "model": "delay",
        "run_id": run_id,
        "pipeline": "train-delay",
        "metrics": "{}",
    }
    row |= {"n_rows": 9, "why": "log loss lower by 0.01", "finished_at": stamp(TICK)}
    load(full, "ops.training_results", [row | {"outcome": "not better", "version": None}])
    assert found() == ("bad", "not better: log loss lower by 0.01")
    assert action.verify(plan).bad is ActionReason.NOT_BETTER  # which is no failure
    later = {"outcome": "trained", "version": "8", "finished_at": stamp(TICK + timedelta(minutes=1))}
    load(full, "ops.training_results", [row | later])
    assert found() == ("good", "trained: version 8: log loss lower by 0.01")
    load(full, "ops.model_versions", [version("8", TICK - 2 * DAY)])
    assert found() == ("good", "promoted: version 8 is in use")
    back = AliasChange(
        model="delay", alias=AliasName.CHAMPION, version="8", changed_at=TICK, changed_by="test", why="better"
    )
    aliases.write(back, BigQueryWarehouse(full))
    why = "version 8: incident i-1"
    aliases.write(
        replace(back, version="7", stage="rolled back", changed_at=TICK + DAY, why=why), BigQueryWarehouse(full)
    )
    assert found() == ("bad", f"rolled back: {why}")
    with pytest.raises(ActionError, match="cannot be undone"):
        action.undo(plan)
    assert len(bus.events) == 1


def test_a_bus_that_does_not_answer_is_asked_later(action: RetrainModel, bus: RecordingBus) -> None:
    plan = action.plan(ASKED)
    bus.down = True
    with pytest.raises(UnavailableError):
        action.apply(plan, KEY)


def test_a_warehouse_that_does_not_answer_is_asked_later(own_place: "Place") -> None:
    client = own_place.client("down")
    own_place.emulator.stop()
    down = RetrainModel(
        lambda: {MODEL.name: MODEL}, BigQueryWarehouse(client, patience=0.5), RecordingBus(), MemoryStore(Breaking())
    )
    with pytest.raises(UnavailableError):
        down.plan(ASKED)


@dataclass
class Published:
    """Pub/Sub with the topic, and what has arrived."""

    server: pubsub.Bus
    subscription: str
    bus: PubsubBus

    def bodies(self, count: int) -> list[dict[str, Any]]:
        return [json.loads(one.message.data) for one in self.server.pull(self.subscription, count)]


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Published]:
    with pubsub.our_server(tmp_path / "bus.db") as server:
        topic = server.topic("retraining")
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", server.host)
        yield Published(server, server.subscription(topic), open_bus(pubsub.PROJECT, patience=2.0))


def test_the_request_arrives_over_pubsub_and_again_as_the_same(full: bigquery.Client, published: Published) -> None:
    action = retrain(full, published.bus)
    plan = action.plan(ASKED)
    action.apply(plan, KEY)
    action.apply(plan, KEY)
    first, second = published.bodies(2)
    assert first == second == json.loads(plan.state["request"])
    assert first["id"] == f"delay:{stamp(TICK)}"


def test_a_pubsub_that_is_down_is_asked_later(full: bigquery.Client, published: Published) -> None:
    action = retrain(full, published.bus)
    plan = action.plan(ASKED)
    published.server.kill()
    with pytest.raises(UnavailableError, match="retraining"):
        action.apply(plan, KEY)
