"""Runs the program of a track: see `program`."""

import argparse
import logging
import os
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from functions.adapters import config
from functions.adapters.ports import Bus, Warehouse
from functions.adapters.stores import open_store
from infra import stage
from infra.local.past.plan import TRACKS, read_plan
from infra.local.past.program import Backfill
from infra.local.past.track import Track
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.history import History
from infra.local.replay.orders import ORDERS, Orders
from infra.local.replay.replay import read_marker
from infra.local.replay.weblog import Weblog
from infra.local.results import cache_path

if TYPE_CHECKING:
    from google.cloud import bigquery

_NICE = 10
"""The niceness of older parts: people look at the pages by then."""


def main() -> None:
    """Compute the past of a stack."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.past", description="Compute the past of a stack.")
    parser.add_argument("track", choices=TRACKS, help="what is computed")
    parser.add_argument("--data", type=Path, required=True, help="the folder of the stack")
    parser.add_argument("--project", required=True, help="the project of the stack")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("infra.local.past").setLevel(logging.INFO)  # what the functions say of past ticks is no news
    marker = read_marker(given.data)
    if marker is None:
        parser.error(f"--data: must be a folder in which a replay has begun, got {given.data}")
    now = max((span.end for span in read_plan(given.data).spans), default=datetime.now(UTC))
    Backfill(
        folder=given.data,
        track=_track(given, History.read(FLIGHTS, now, anchor=marker.anchor)),
        client=cache(partial(_warehouse, given.project)),
        store=open_store(os.environ["AIA_STORE"], given.project),
        bus=cache(partial(_bus, given.project)),
        prometheus_url=os.environ["AIA_PROMETHEUS_URL"],
        on_newest=cache(partial(os.nice, _NICE)),
    ).run()


def _track(given: argparse.Namespace, history: History) -> Track:
    settings = config.load(stage.ROOT / "infra" / "monitoring.yaml")
    if given.track == "model":
        from infra.local.past.model import ModelTrack  # noqa: PLC0415 - a track needs nothing of the other

        return ModelTrack(history, settings)
    from infra.local.past.estimates import estimates_on_disk  # noqa: PLC0415 - a track needs nothing of the other
    from infra.local.past.models import LoadedModels  # noqa: PLC0415 - as above
    from infra.local.past.shop import BusinessTrack  # noqa: PLC0415 - as above

    models = LoadedModels(given.data, cache(partial(_tables, given.project)))
    estimates = estimates_on_disk(cache_path("estimates"))
    orders = Orders.read(ORDERS, history.anchor)
    return BusinessTrack(orders, Weblog.read(), history, settings, history.now, models, estimates)


def _tables(project: str) -> Warehouse:
    from functions.adapters.warehouse import open_warehouse  # noqa: PLC0415 - see `Backfill`

    return open_warehouse(project)


def _warehouse(project: str) -> "bigquery.Client":
    from google.cloud import bigquery  # noqa: PLC0415 - see `Backfill`

    return bigquery.Client(project=project)


def _bus(project: str) -> Bus:
    from functions.adapters.bus import open_bus  # noqa: PLC0415 - see `Backfill`

    return open_bus(project, patience=5.0)


if __name__ == "__main__":
    main()
