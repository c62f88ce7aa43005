"""What drift_score writes, as the statements of the API read it from BigQuery."""

from dataclasses import replace
from pathlib import Path

from google.cloud import bigquery

from functions.adapters.warehouse import BigQueryWarehouse
from tests.support.builders.drift import MODEL
from tests.support.builders.drift_warehouse import trained_in_warehouse
from tests.support.builders.flights import DAY, TICK, flights, labels

API = Path(__file__).parents[2] / "functions" / "api"
pytest_plugins = ["tests.support.servers.warehouse"]


def test_the_score_is_none_of_the_features_and_every_group_is_shown(
    client: bigquery.Client, warehouse: BigQueryWarehouse, tmp_path: Path
) -> None:
    world = trained_in_warehouse(client, warehouse, tmp_path)
    world.models = (replace(MODEL, segments=("carrier",)),)
    rows = flights(600, TICK, seed=2)
    world.load(MODEL.table, rows)
    world.load("telemetry.flight_labels", labels(rows, TICK, right=0.9))
    world.tick()

    def shown(name: str, **parameters: object) -> list[dict[str, object]]:
        return world.warehouse.query((API / f"{name}.sql").read_text(), since=TICK - DAY, **parameters)

    features = [shown("latest_scores", models=["delay"]), shown("drift_by_day", model="delay", until=TICK + DAY)]
    assert [{row["feature"] for row in found} for found in features] == [{"temperature", "distance", "carrier"}] * 2
    assert {row["segment_value"] for row in shown("latest_groups", models=["delay"])} == {"UA", "DL", "AA", None}
