"""Cloud Run services: the client, and how a service is read."""

import functools
import json
import os
from collections.abc import Sequence
from typing import Any

from google.cloud.run_v2 import ServicesClient
from google.cloud.run_v2.services.services.transports import ServicesGrpcTransport
from google.cloud.run_v2.types import (
    Condition,
    Service,
    TrafficTarget,
    TrafficTargetAllocationType,
    UpdateServiceRequest,
)

from core.actions.plan import Health, Verification
from core.errors import ActionError
from functions.adapters.actions.calls import PATIENCE, answers, channel, limits, short

LATEST = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
ALL = 100
"""Per cent."""
_COMING = (Condition.State.CONDITION_PENDING, Condition.State.CONDITION_RECONCILING)


class Services:
    """Cloud Run's services.

    Args:
        endpoint: `host:port` of a server without TLS in Google's place.
        patience: seconds that an attempt may take, and that a call is repeated for.
    """

    def __init__(self, *, endpoint: str = "", patience: float = PATIENCE) -> None:
        self._endpoint = endpoint
        self._patience = patience

    def get(self, name: str) -> Service:
        """The service, as it is now."""
        with answers(name):
            return self._client.get_service(name=name, **limits(self._patience))

    def update(self, read: Service, *paths: str, **changes: Any) -> str:  # noqa: ANN401 - fields of any type
        """Change fields of the very version that was read, and return the name of the operation without waiting for it.

        Args:
            read: the service as it was read; a concurrent change since then raises `UnavailableError`.
            paths: the fields that change; no other is touched, as it would be without them.
            changes: the fields' values, by name.
        """
        changed = Service(name=read.name, etag=read.etag, **changes)
        request = UpdateServiceRequest(service=changed, update_mask={"paths": paths})
        with answers(read.name):
            operation = self._client.update_service(request=request, **limits(self._patience))
        name: str = operation.operation.name
        return name

    @functools.cached_property
    def _client(self) -> ServicesClient:
        if self._endpoint:
            return ServicesClient(transport=ServicesGrpcTransport(channel=channel(self._endpoint)))
        return ServicesClient()


def connect() -> Services:
    """Cloud Run as the environment has it: AIA_RUN_ENDPOINT, or Google's own."""
    return Services(endpoint=os.environ.get("AIA_RUN_ENDPOINT", ""))


def resource_name(service: Service) -> str:
    """The full name of the service, whichever target stands for it."""
    return f"//run.googleapis.com/{service.name}"


def serving_revision(service: Service) -> str:
    """The revision that receives all traffic, if it is the newest.

    A new revision has the newest template: if an older revision serves, because the newest failed or somebody went
    back to it, a new one would bring that template into service.

    Raises:
        ActionError: another revision serves as well, or a deployment is in progress.
    """
    newest = short(service.latest_created_revision)
    if service.reconciling:
        raise ActionError(f"{service.name}: a deployment is in progress")
    others = sorted({revision for revision in _receivers(service) if revision != newest})
    if others:
        raise ActionError(f"{service.name}: the newest revision {newest} must have all the traffic, {others} has some")
    return newest


def serves_all(service: Service) -> bool:
    """Whether the newest revision is ready and has all the traffic."""
    newest = short(service.latest_created_revision)
    return short(service.latest_ready_revision) == newest and _receivers(service) == {newest}


def _receivers(service: Service) -> set[str]:
    ready = short(service.latest_ready_revision)
    return {status.revision or ready for status in service.traffic_statuses if status.percent} or {ready}


def readiness(service: Service) -> Verification:
    """The condition of the service."""
    terminal = service.terminal_condition
    if service.reconciling or terminal.state in _COMING:
        return Verification(health=Health.PENDING, detail=f"{short(service.name)} is being deployed")
    if terminal.state == Condition.State.CONDITION_SUCCEEDED:
        return Verification(health=Health.GOOD, detail=f"{short(service.latest_ready_revision)} is ready")
    said = terminal.message or terminal.state.name
    return Verification(health=Health.BAD, detail=f"{short(service.name)} is not ready: {said}")


def follows_latest(service: Service) -> bool:
    """Whether all traffic is routed to the latest revision, whichever it is."""
    return all(target.type_ == LATEST for target in service.traffic if target.percent)


def to_latest(traffic: Sequence[TrafficTarget]) -> list[TrafficTarget]:
    """All the traffic to the latest revision, whichever it is; tags stay where they are."""
    tagged = [
        TrafficTarget(type_=target.type_, revision=target.revision, tag=target.tag) for target in traffic if target.tag
    ]
    return [*tagged, TrafficTarget(type_=LATEST, percent=ALL)]


def pinned(traffic: Sequence[TrafficTarget], revision: str) -> list[TrafficTarget]:
    """The traffic that went to the latest revision, to this one by its name; the rest stays as it is."""
    return [_pin(target, revision) for target in traffic or to_latest(())]


def _pin(target: TrafficTarget, revision: str) -> TrafficTarget:
    if target.type_ != LATEST:
        return target
    return TrafficTarget(type_=REVISION, revision=revision, percent=target.percent, tag=target.tag)


def spell(traffic: Sequence[TrafficTarget]) -> str:
    """Traffic targets as a text."""
    return json.dumps([[target.type_.name, target.revision, target.percent, target.tag] for target in traffic])


def read(text: str) -> list[TrafficTarget]:
    """The traffic targets behind the result of `spell`."""
    targets = [(getattr(TrafficTargetAllocationType, kind), *rest) for kind, *rest in json.loads(text)]
    return [TrafficTarget(type_=kind, revision=name, percent=share, tag=tag) for kind, name, share, tag in targets]
