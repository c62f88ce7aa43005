"""Starts the training that is asked for: a pipeline of Vertex AI, once a request, and never two of a model."""

import functools
import os
from dataclasses import dataclass
from datetime import UTC, datetime

import flask
import functions_framework

from functions.adapters import config, logs, metrics
from functions.adapters.bus import open_bus
from functions.adapters.endpoint import Park, answer
from functions.adapters.once import once
from functions.adapters.parking import Parking
from functions.adapters.store import open_store
from functions.adapters.training.port import Trainings
from functions.adapters.warehouse import open_warehouse
from functions.retrain.read import read
from functions.retrain.trainer import NAME, Trainer, handle


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What the function needs from outside."""

    trainer: Trainer
    park: Park


@once
def deps() -> Deps:
    """The composition root, built when the first request comes."""
    logs.setup()
    project = os.environ["GOOGLE_CLOUD_PROJECT"]
    warehouse = open_warehouse(project)
    trainer = Trainer(
        store=open_store(os.environ["AIA_STORE"], project),
        bus=open_bus(project),
        warehouse=warehouse,
        metrics=metrics.connect(NAME),
        clock=_now,
        trainings=once(functools.partial(_vertex, project)),
        models={model.name: model for model in config.load().models},
    )
    return Deps(trainer=trainer, park=Parking(warehouse, NAME, _now))


@functions_framework.http
def main(request: flask.Request) -> tuple[str, int]:
    """Answer a push request."""
    return respond(request, deps())


def respond(request: flask.Request, deps: Deps) -> tuple[str, int]:
    """Answer a push request that carries a request to train a model again."""
    act = functools.partial(handle, deps.trainer)
    return answer(request, function=NAME, read=read, handle=act, park=deps.park, metrics=deps.trainer.metrics)


def _vertex(project: str) -> Trainings:
    from functions.adapters.training.vertex import VertexTrainings  # noqa: PLC0415 - only who runs Vertex AI pays

    return VertexTrainings(project)


def _now() -> datetime:
    return datetime.now(UTC)
