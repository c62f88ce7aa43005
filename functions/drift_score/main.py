"""Scores every model at each tick, shard by shard: drift of its inputs, and performance from the labels that have arrived."""

from functools import partial

from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import NAME
from functions.drift_score.shards import Shards, read
from functions.drift_score.slots.slot_counts import SlotCounts
from functions.drift_score.watch import Outside
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks and their parts."""
    predictions = BigQueryPredictions(ports.warehouse)
    outside = Outside(
        predictions=predictions,
        results=BigQueryResults(ports.warehouse, ports.clock),
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        ledger=ports.ledger,
        profiles=Profiles(ports.store, predictions),
    )
    slots = SlotCounts(ports.warehouse, ports.store, ports.clock)
    shards = Shards(models=ports.models, slots=slots, warehouse=ports.warehouse, outside=outside)
    return on_push(ports, read=partial(read, cron=ports.cron), handle=shards.handle)


main = serve(NAME, build)
