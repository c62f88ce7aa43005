"""Compares challengers with champions, promotes them in steps, and rolls back."""

from collections.abc import Callable
from functools import partial

from functions.adapters.registries.register import configured, open_registries
from functions.adapters.training.port import Jobs
from functions.promotion.promotion import NAME, Promoter, handle, read
from functions.promotion.traffic import Endpoints, Traffic
from functions.runtime.endpoint import Endpoint, on_push, serve
from functions.runtime.ports import Ports, once


def build(ports: Ports, jobs: Callable[[], Jobs] | None = None) -> Endpoint:
    """The endpoint of ticks, and of commands to promote and roll back; the jobs are Vertex AI's, where none are given."""
    promoter = Promoter(
        store=ports.store,
        bus=ports.bus,
        warehouse=ports.warehouse,
        metrics=ports.metrics,
        clock=ports.clock,
        jobs=jobs or once(partial(_vertex, ports.project)),
        registries=once(lambda: open_registries(configured(ports.settings.registry))),
        traffic=Traffic(warehouse=ports.warehouse, resources=ports.settings.resources, endpoints=once(_endpoints)),
        models=ports.models.all,
        time_zone=ports.settings.business.time_zone,
    )
    return on_push(ports, read=partial(read, cron=ports.cron), handle=partial(handle, promoter))


def _vertex(project: str) -> Jobs:
    from functions.adapters.training.vertex import VertexTrainings  # noqa: PLC0415 - only who runs Vertex AI pays

    return VertexTrainings(project)


def _endpoints() -> Endpoints:
    from functions.adapters.endpoint_traffic import EndpointTraffic  # noqa: PLC0415 - only who has an endpoint pays

    return EndpointTraffic()


main = serve(NAME, build)
