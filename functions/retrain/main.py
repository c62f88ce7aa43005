"""Starts a requested training: a pipeline of Vertex AI, once per request, and one at a time per model."""

import os
from collections.abc import Callable
from functools import partial

from functions.adapters.training.port import Trainings
from functions.retrain.trainer import NAME, Trainer, handle, read
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports, once


def build(ports: Ports, trainings: Callable[[], Trainings] | None = None) -> Endpoint:
    """The endpoint of requests to train a model again; the trainings are Vertex AI's, where none are given."""
    trainer = Trainer(
        store=ports.store,
        bus=ports.bus,
        warehouse=ports.warehouse,
        metrics=ports.metrics,
        clock=ports.clock,
        trainings=trainings or once(partial(_vertex, ports.project)),
        models=ports.models.all,
        automation=ports.settings.automation,
        disabled="AIA_TRAINING_DISABLED" in os.environ,
    )
    return on_push(ports, read=read, handle=partial(handle, trainer))


def _vertex(project: str) -> Trainings:
    from functions.adapters.training.vertex import VertexTrainings  # noqa: PLC0415 - only who runs Vertex AI pays

    return VertexTrainings(project)


main = serve(NAME, build)
