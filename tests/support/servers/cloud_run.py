"""Cloud Run's service `google.cloud.run.v2.Services` for tests: one service that behaves as documented.

An update respects its mask and its etag, refuses what the API refuses, makes a revision when the template changes, and
is brought into place only when the test says so.
"""

import grpc
from google.cloud.run_v2.types import (
    Condition,
    GetServiceRequest,
    RevisionTemplate,
    Service,
    TrafficTarget,
    TrafficTargetAllocationType,
    TrafficTargetStatus,
    UpdateServiceRequest,
)
from google.longrunning.operations_pb2 import Operation  # type: ignore[import-untyped]  # published without types
from google.protobuf.field_mask_pb2 import FieldMask

from tests.support.servers.grpc_wire import GrpcServer, Method, Refused

LATEST = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
REVISION = TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
NAME = "projects/p/locations/us-central1/services/web"
SYSTEM = ("run.googleapis.com", "cloud.googleapis.com", "serving.knative.dev", "autoscaling.knative.dev")
"""The namespaces of annotations that version 2 of the API rejects."""
_DESIRED = ("description", "labels", "annotations", "template", "traffic", "scaling", "ingress", "launch_stage")
"""What an update may change; everything else is said by the service."""


class CloudRun(GrpcServer):
    """The server of one service, `NAME`; its first revision, which gcloud named, serves."""

    def __init__(self) -> None:
        methods = {
            "GetService": Method(self._get, GetServiceRequest, Service),
            "UpdateService": Method(self._update, UpdateServiceRequest, Operation),
        }
        super().__init__({"google.cloud.run.v2.Services": methods}, "Permission 'run.services.update' denied")
        self.revisions: dict[str, RevisionTemplate] = {}
        self.service = Service(name=NAME, traffic=[{"type_": LATEST, "percent": 100}])
        self.deploy(image="docker.io/shop/web@sha256:1", revision="web-00001-abc")
        self.settle()

    def deploy(self, *, image: str, revision: str = "", traffic: list[TrafficTarget] | None = None) -> None:
        """Somebody deploys an image."""
        template = RevisionTemplate(
            revision=revision,
            containers=[{"image": image, "env": [{"name": "MODE", "value": "live"}]}],
            scaling={"max_instance_count": 100},
            service_account="web@p.iam.gserviceaccount.com",
        )
        self.set(template=template, traffic=traffic or list(self.service.traffic))

    def set(self, **fields: object) -> None:
        """Somebody changes fields of the service."""
        wanted = Service(self.service)
        for name, value in fields.items():
            setattr(wanted, name, value)
        self._change(wanted)

    def settle(self) -> None:
        """What is wanted is brought into place, and works."""
        service = self.service
        service.latest_ready_revision = service.latest_created_revision
        service.observed_generation = service.generation
        service.traffic_statuses = [
            TrafficTargetStatus(type_=one.type_, revision=one.revision, percent=one.percent, tag=one.tag)
            for one in service.traffic
        ]
        self._conclude(Condition.State.CONDITION_SUCCEEDED, "")

    def fail(self) -> None:
        """The new revision does not start; what served before goes on serving."""
        self._conclude(Condition.State.CONDITION_FAILED, "The user-provided container failed to start on PORT=8080.")

    def _conclude(self, state: int, message: str) -> None:
        self.service.reconciling = False
        self.service.terminal_condition = Condition(type_="Ready", state=state, message=message)

    def _get(self, request: GetServiceRequest) -> Service:
        if request.name != NAME:
            raise Refused(grpc.StatusCode.NOT_FOUND, f"Resource '{request.name}' was not found")
        return self.service

    def _update(self, request: UpdateServiceRequest) -> Operation:
        self._get(GetServiceRequest(name=request.service.name))
        if request.service.etag and request.service.etag != self.service.etag:
            given, now = request.service.etag, self.service.etag
            raise Refused(grpc.StatusCode.ABORTED, f"Conflict for resource 'web': version '{given}', current '{now}'")
        wanted = _masked(request, self.service)
        self._check(wanted)
        self._change(wanted)
        self.effects += 1
        return Operation(name=f"projects/p/locations/us-central1/operations/{self.service.generation}")

    def _check(self, wanted: Service) -> None:
        for name in [*wanted.annotations, *wanted.template.annotations]:
            if name.partition("/")[0] in SYSTEM:
                raise _invalid(f"annotations: {name} is of a reserved namespace")
        if wanted.traffic and sum(one.percent for one in wanted.traffic) != 100:
            raise _invalid("traffic: percent must add up to 100")
        for one in wanted.traffic:
            if one.type_ == LATEST and one.revision:
                raise _invalid(f"traffic: the latest revision has no name, got {one.revision}")
            if one.type_ == REVISION and one.revision not in self.revisions:
                raise _invalid(f"traffic: revision {one.revision} does not exist")
        most = wanted.scaling.max_instance_count or 100
        if not 0 <= wanted.scaling.min_instance_count <= most:
            raise _invalid(f"scaling.min_instance_count: must be 0 to {most}")
        named = self.revisions.get(wanted.template.revision)
        if named and _config(named) != _config(wanted.template):
            message = f"Revision named '{wanted.template.revision}' with different configuration already exists."
            raise Refused(grpc.StatusCode.ALREADY_EXISTS, message)

    def _change(self, wanted: Service) -> None:
        revised = not self.revisions or _config(wanted.template) != _config(self.service.template)
        wanted.generation = self.service.generation + 1
        wanted.etag = f'"{wanted.generation}"'
        self.service = wanted
        if revised:
            revision = wanted.template.revision or f"web-{wanted.generation:05}-xyz"
            self.revisions[revision] = RevisionTemplate(wanted.template)
            wanted.latest_created_revision = f"{NAME}/revisions/{revision}"
        wanted.reconciling = True
        wanted.terminal_condition = Condition(type_="Ready", state=Condition.State.CONDITION_RECONCILING)


def _masked(request: UpdateServiceRequest, now: Service) -> Service:
    """What the service would be: the masked fields of the request, or all of them, over what it is."""
    paths = list(request.update_mask.paths) or list(_DESIRED)
    mask = FieldMask(paths=paths)
    unknown = [path for path in paths if path.partition(".")[0] not in _DESIRED]
    if unknown or not mask.IsValidForDescriptor(Service.pb(now).DESCRIPTOR):
        raise _invalid(f"update_mask: must name fields that can be changed, got {paths}")
    wanted = Service(now)
    mask.MergeMessage(Service.pb(request.service), Service.pb(wanted), True, True)  # noqa: FBT003 - of protobuf
    return wanted


def _config(template: RevisionTemplate) -> RevisionTemplate:
    """A template without its name."""
    unnamed = RevisionTemplate(template)
    unnamed.revision = ""
    return unnamed


def _invalid(message: str) -> Refused:
    return Refused(grpc.StatusCode.INVALID_ARGUMENT, message)
