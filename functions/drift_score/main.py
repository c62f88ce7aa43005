"""Scores every model at each tick: drift of its inputs, and performance from the labels that have arrived."""

from functools import partial

from functions.drift_score.bigquery import BigQueryPredictions, BigQueryResults
from functions.drift_score.reference import Profiles
from functions.drift_score.scoring import NAME, Outside, score_models
from functions.runtime.endpoint import Endpoint, on_tick, serve
from functions.runtime.ports import Ports


def build(ports: Ports) -> Endpoint:
    """The endpoint of ticks."""
    predictions = BigQueryPredictions(ports.warehouse)
    outside = Outside(
        predictions=predictions,
        results=BigQueryResults(ports.warehouse),
        store=ports.store,
        bus=ports.bus,
        metrics=ports.metrics,
        ledger=ports.ledger,
        profiles=Profiles(ports.store, predictions),
    )
    return on_tick(ports, partial(score_models, models=ports.settings.models, outside=outside))


main = serve(NAME, build)
