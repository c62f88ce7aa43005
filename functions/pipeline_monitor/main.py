"""Monitors pipeline runs: failures, durations of stages, and overdue runs."""

from functools import partial

from functions.adapters.job_usage import MonitoredJobUsage
from functions.adapters.registries.register import configured, open_registries
from functions.adapters.vertex_runs import Jobs, VertexJobs
from functions.pipeline_monitor.monitor import NAME, Monitor, handle
from functions.pipeline_monitor.read import read
from functions.pipeline_monitor.registered import RegisteredVersions
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports, once


def build(ports: Ports, jobs: Jobs | None = None) -> Endpoint:
    """The endpoint of events about runs, entries of Vertex AI's log, and ticks; the jobs are Vertex AI's, where none are given."""
    monitor = Monitor(
        store=ports.store,
        bus=ports.bus,
        warehouse=ports.warehouse,
        metrics=ports.metrics,
        jobs=jobs or VertexJobs(),
        usage=MonitoredJobUsage(lambda: ports.prometheus),
        project=ports.project,
        settings=ports.settings.pipelines,
        registered=_registered(ports),
        registries=once(lambda: open_registries(configured(ports.settings.registry))),
    )
    return on_push(ports, read=partial(read, cron=ports.cron), handle=partial(handle, monitor))


def _registered(ports: Ports) -> RegisteredVersions | None:
    """What takes versions from MLflow, where the settings have one."""
    registry = configured(ports.settings.registry)
    if registry is None or registry.mlflow is None:
        return None
    from functions.adapters.registries.mlflow import MlflowModels  # noqa: PLC0415 - only where there is one

    return RegisteredVersions(
        registry=MlflowModels(registry.mlflow),
        store=ports.store,
        warehouse=ports.warehouse,
        park=ports.park,
        models=ports.models.all,
    )


main = serve(NAME, build)
