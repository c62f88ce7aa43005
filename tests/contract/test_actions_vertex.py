"""The actions on Vertex AI's endpoints and pipelines: Google's clients over the wire, against a server of their API."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import Endpoint, PipelineJob, PipelineState

from core.actions.plan import Health
from core.errors import ActionError, UnavailableError
from core.settings.response import Resource
from functions.adapters.actions.cancel_pipeline import CancelPipeline
from functions.adapters.actions.rerun_pipeline import RerunPipeline
from functions.adapters.actions.rollback_model import RollbackModel
from functions.adapters.actions.shift_traffic import ShiftTraffic
from functions.adapters.actions.split import SplitAction
from functions.adapters.actions.vertex import Endpoints, Pipelines
from tests.support.checks.action_conformance import (
    KEY,
    ActionSuite,
    FinalSuite,
    GrpcWorld,
    PendingSuite,
    UndoSuite,
    World,
    applied,
    request,
)
from tests.support.servers import vertex
from tests.support.servers.vertex import ENDPOINT, LOCATION, VertexEndpoints, VertexPipelines, deployed

TARGET = "model/flights"
RESOURCES: Mapping[str, Resource] = {
    TARGET: Resource(endpoint=ENDPOINT, pipeline="nightly", location=LOCATION),
    "pipeline/odd": Resource(pipeline='a "quoted" \\ name', location=LOCATION),
    "pipeline/none": Resource(pipeline="never-ran", location=LOCATION),
    "pipeline/wrong": Resource(pipeline="nightly", location="europe-west4"),
}


class EndpointWorld(GrpcWorld):
    def __init__(self, action: str, kind: type[SplitAction]) -> None:
        self.server = VertexEndpoints()
        super().__init__(self.server)
        self.request = request(action, TARGET)
        self.action = kind(RESOURCES, Endpoints(endpoint=self.server.endpoint))
        self.hasty = kind(RESOURCES, Endpoints(endpoint=self.server.endpoint, patience=0.5))

    @property
    def split(self) -> dict[str, int]:
        return dict(self.server.endpoint_resource.traffic_split)

    def restored(self) -> Any:
        return self.split

    def snapshot(self) -> Any:
        return Endpoint.to_json(self.server.endpoint_resource)

    def interfere(self) -> None:
        self.server.set(traffic_split={"30": 90, "10": 10})

    def settle(self) -> None:
        self.server.replicas("20", 2)

    def spoil(self) -> None:
        self.server.replicas("20", 0, "Model server exited unexpectedly.")


class PipelineWorld(GrpcWorld):
    """The runs of a pipeline and an action on them."""

    def __init__(self, action: str, kind: type[CancelPipeline | RerunPipeline]) -> None:
        self.server = VertexPipelines()
        super().__init__(self.server)
        self.request = request(action, TARGET)
        self.action = kind(RESOURCES, Pipelines(endpoint=self.server.endpoint))
        self.hasty = kind(RESOURCES, Pipelines(endpoint=self.server.endpoint, patience=0.5))

    @property
    def states(self) -> dict[str, int]:
        return {name.rpartition("/")[2]: job.state for name, job in self.server.jobs.items()}

    def snapshot(self) -> Any:
        return [PipelineJob.to_json(job) for job in self.server.jobs.values()]


class CancelWorld(PipelineWorld):
    def __init__(self) -> None:
        super().__init__("cancel_pipeline", CancelPipeline)
        self.server.add("run-1", vertex.SUCCEEDED)
        self.server.add("run-2", vertex.RUNNING)
        self.server.add("other-1", vertex.RUNNING, pipeline="hourly")
        for number in (3, 4, 5):
            self.server.add(f"run-{number}", vertex.RUNNING)
        self.server.add("run-6", vertex.PENDING)
        self.server.add("run-7", vertex.QUEUED)

    def restored(self) -> Any:
        return self.states

    def interfere(self) -> None:
        self.server.move((vertex.QUEUED, vertex.PENDING, vertex.RUNNING), vertex.SUCCEEDED)

    def settle(self) -> None:
        self.server.move((vertex.CANCELLING,), vertex.CANCELLED)

    def spoil(self) -> None:
        self.server.move((vertex.CANCELLING,), vertex.SUCCEEDED)


class RerunWorld(PipelineWorld):
    def __init__(self) -> None:
        super().__init__("rerun_pipeline", RerunPipeline)
        self.server.add("run-1", vertex.FAILED)
        self.server.add("run-2", vertex.SUCCEEDED)
        self.former = self.server.add("run-3", vertex.FAILED)
        self.server.add("other-1", vertex.RUNNING, pipeline="hourly")

    def restored(self) -> Any:
        """The runs that go on."""
        over = (vertex.CANCELLING, vertex.CANCELLED, vertex.FAILED)
        return {name: state for name, state in self.states.items() if state not in over}

    def interfere(self) -> None:
        self.server.add("run-4", vertex.RUNNING)

    def settle(self) -> None:
        self.server.move((vertex.PENDING,), vertex.SUCCEEDED)

    def spoil(self) -> None:
        self.server.move((vertex.PENDING,), vertex.FAILED)

    @property
    def new(self) -> PipelineJob:
        return list(self.server.jobs.values())[-1]


class TestRollbackModel(ActionSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[EndpointWorld]:
        world = EndpointWorld("rollback_model", RollbackModel)
        yield world
        world.stop()

    def test_all_the_traffic_goes_to_the_model_deployed_before(self, world: EndpointWorld) -> None:
        plan = applied(world)
        assert world.split == {"20": 100}
        assert plan.summary == "endpoint flights: traffic 100% to flight-delay-2 (20)"
        shown = [f"{step.what}: {step.before} to {step.after}" for step in plan.steps]
        assert shown == ["flight-delay-2 (20): 0% to 100%", "flight-delay-3 (30): 100% to 0%"]

    def test_what_is_canaried_counts_as_the_newest(self, world: EndpointWorld) -> None:
        world.server.set(traffic_split={"30": 5, "20": 45, "10": 50})
        applied(world)
        assert world.split == {"20": 100}

    def test_the_next_rollback_goes_one_deployment_further(self, world: EndpointWorld) -> None:
        applied(world)
        applied(world, "inc-2:1:rollback_model:model/flights")
        assert world.split == {"10": 100}

    def test_a_deployment_without_a_replica_is_skipped(self, world: EndpointWorld) -> None:
        world.server.replicas("20", 0)
        applied(world)
        assert world.split == {"10": 100}

    def test_a_deployment_of_which_nothing_is_told_counts_as_working(self, world: EndpointWorld) -> None:
        silent = [deployed("30", version=3), deployed("20", version=2)]
        del silent[1].status
        world.server.set(deployed_models=silent)
        plan = applied(world)
        assert world.split == {"20": 100}
        assert world.action.verify(plan).health is Health.GOOD

    def test_an_endpoint_with_one_model_has_nothing_to_roll_back_to(self, world: EndpointWorld) -> None:
        world.server.set(deployed_models=[deployed("30", version=3)])
        with pytest.raises(ActionError, match=r"older than flight-delay-3 \(30\)"):
            world.action.plan(world.request)

    def test_an_endpoint_without_traffic_is_refused(self, world: EndpointWorld) -> None:
        world.server.set(traffic_split={})
        with pytest.raises(ActionError, match="has traffic"):
            world.action.plan(world.request)

    def test_a_model_that_is_gone_is_refused_by_the_api(self, world: EndpointWorld) -> None:
        plan = world.action.plan(world.request)
        world.server.set(deployed_models=[deployed("30", version=3)])
        with pytest.raises(ActionError, match=r"'20'.* not deployed"):
            world.action.apply(plan, KEY)
        assert world.split == {"30": 100}

    def test_a_model_that_waits_for_its_replicas_is_pending(self, world: EndpointWorld) -> None:
        plan = applied(world)
        world.server.replicas("20", 0)
        assert world.action.verify(plan).health is Health.PENDING

    def test_traffic_that_somebody_moved_since_is_bad(self, world: EndpointWorld) -> None:
        plan = applied(world)
        world.interfere()
        assert world.action.verify(plan).health is Health.BAD

    def test_undoing_leaves_traffic_alone_that_somebody_moved_since(self, world: EndpointWorld) -> None:
        plan = applied(world)
        world.interfere()
        with pytest.raises(ActionError, match="somebody moved"):
            world.action.undo(plan)
        assert world.split == {"30": 90, "10": 10}

    def test_what_was_undone_is_not_applied_again_by_a_late_repetition(self, world: EndpointWorld) -> None:
        plan = applied(world)
        world.action.undo(plan)
        world.action.apply(plan, KEY)
        assert world.split == {"30": 100}

    def test_labels_of_others_stay(self, world: EndpointWorld) -> None:
        world.server.set(labels={"team": "shop"})
        applied(world)
        assert world.server.endpoint_resource.labels["team"] == "shop"


class TestShiftTraffic(ActionSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[EndpointWorld]:
        world = EndpointWorld("shift_traffic", ShiftTraffic)
        yield world
        world.stop()

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ({"30": 100}, {"20": 50, "30": 50}),
            ({"30": 25, "20": 75}, {"20": 88, "30": 12}),
            ({"30": 1, "10": 99}, {"20": 1, "10": 99}),
            ({"20": 40, "10": 60}, {"20": 20, "10": 80}),
        ],
    )
    def test_half_of_the_newest_one_s_traffic_goes_to_the_one_before(
        self, world: EndpointWorld, before: dict[str, int], after: dict[str, int]
    ) -> None:
        world.server.set(traffic_split=before)
        applied(world)
        assert world.split == after


class TestCancelPipeline(ActionSuite, PendingSuite, FinalSuite):
    @pytest.fixture
    def world(self) -> Iterator[CancelWorld]:
        world = CancelWorld()
        yield world
        world.stop()

    def test_every_run_of_the_pipeline_that_goes_on_is_counted_over_all_pages(self, world: CancelWorld) -> None:
        plan = world.action.plan(world.request)
        assert plan.touched == 6
        assert [step.what for step in plan.steps] == [f"run run-{number}" for number in (7, 6, 5, 4, 3, 2)]

    def test_other_pipelines_and_ended_runs_are_left_alone(self, world: CancelWorld) -> None:
        applied(world)
        assert world.states["run-1"] == vertex.SUCCEEDED
        assert world.states["other-1"] == vertex.RUNNING
        assert [world.states[f"run-{number}"] for number in range(2, 8)] == [vertex.CANCELLING] * 6

    def test_a_run_that_began_after_the_plan_is_left_alone(self, world: CancelWorld) -> None:
        plan = world.action.plan(world.request)
        world.server.add("run-8", vertex.RUNNING)
        world.action.apply(plan, KEY)
        assert world.states["run-8"] == vertex.RUNNING

    def test_a_run_that_ended_meanwhile_does_not_keep_the_others_going(self, world: CancelWorld) -> None:
        plan = world.action.plan(world.request)
        world.server.jobs[f"{LOCATION}/pipelineJobs/run-2"].state = PipelineState(vertex.FAILED)
        del world.server.jobs[f"{LOCATION}/pipelineJobs/run-3"]
        world.action.apply(plan, KEY)
        world.settle()
        assert world.states["run-2"] == vertex.FAILED
        assert world.states["run-7"] == vertex.CANCELLED
        assert world.action.verify(plan).health is Health.GOOD

    def test_a_pipeline_that_does_not_run_needs_nothing(self, world: CancelWorld) -> None:
        world.interfere()
        plan = world.action.plan(world.request)
        assert (plan.steps, plan.touched) == ((), 0)

    def test_a_display_name_may_hold_quotes(self, world: CancelWorld) -> None:
        world.server.add("odd-1", vertex.RUNNING, pipeline='a "quoted" \\ name')
        plan = world.action.plan(request("cancel_pipeline", "pipeline/odd"))
        assert [step.what for step in plan.steps] == ["run odd-1"]

    def test_a_location_that_is_none_is_refused(self, world: CancelWorld) -> None:
        with pytest.raises(ActionError, match="europe-west4: must be a resource"):
            world.action.plan(request("cancel_pipeline", "pipeline/wrong"))


class TestRerunPipeline(ActionSuite, PendingSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[RerunWorld]:
        world = RerunWorld()
        yield world
        world.stop()

    def under_way(self, world: World) -> None:
        """A new run can be cancelled as soon as it is there, and no more when it has come to its end."""

    def test_a_run_that_goes_on_is_pending(self, world: RerunWorld) -> None:
        plan = applied(world)
        world.server.move((vertex.PENDING,), vertex.RUNNING)
        assert world.action.verify(plan).health is Health.PENDING

    def test_the_new_run_is_given_what_the_former_was(self, world: RerunWorld) -> None:
        applied(world)
        new, former = world.new, world.former
        for field in ("display_name", "pipeline_spec", "runtime_config", "service_account", "network"):
            assert getattr(new, field) == getattr(former, field)
        labels = dict(new.labels)
        assert labels.pop("aia-rerun-of")
        assert labels == {"team": "shop"}

    def test_another_key_after_the_first_is_refused(self, world: RerunWorld) -> None:
        plan = applied(world)
        with pytest.raises(ActionError, match="somebody ran it again"):
            world.action.apply(plan, "another")

    @pytest.mark.parametrize("state", [vertex.RUNNING, vertex.SUCCEEDED, vertex.CANCELLING])
    def test_a_pipeline_whose_newest_run_goes_on_or_succeeded_needs_nothing(
        self, world: RerunWorld, state: int
    ) -> None:
        world.server.add("run-4", state)
        plan = world.action.plan(world.request)
        assert (plan.steps, plan.touched) == ((), 0)

    def test_a_cancelled_run_is_repeated(self, world: RerunWorld) -> None:
        cancelled = world.server.add("run-4", vertex.CANCELLED)
        assert world.action.plan(world.request).state["job"] == cancelled.name

    def test_a_pipeline_that_never_ran_is_refused(self, world: RerunWorld) -> None:
        with pytest.raises(ActionError, match="never-ran"):
            world.action.plan(request("rerun_pipeline", "pipeline/none"))

    def test_a_run_that_was_never_created_is_bad(self, world: RerunWorld) -> None:
        assert world.action.verify(world.action.plan(world.request)).health is Health.BAD

    def test_a_run_that_came_to_its_end_cannot_be_undone(self, world: RerunWorld) -> None:
        plan = applied(world)
        world.server.move((vertex.PENDING,), vertex.SUCCEEDED)
        with pytest.raises(ActionError, match="ran to its end"):
            world.action.undo(plan)


@pytest.fixture
def server() -> Iterator[VertexEndpoints]:
    server = VertexEndpoints()
    yield server
    server.stop()


def test_a_change_made_between_reading_and_writing_is_not_overwritten(server: VertexEndpoints) -> None:
    endpoints = Endpoints(endpoint=server.endpoint)
    read = endpoints.get(ENDPOINT)
    server.set(description="changed")
    with pytest.raises(UnavailableError, match="etag"):
        endpoints.update(read, "traffic_split", traffic_split={"10": 100})
    assert server.effects == 0


def test_a_lost_answer_is_lost_on_the_wire(server: VertexEndpoints) -> None:
    endpoints = Endpoints(endpoint=server.endpoint)
    read = endpoints.get(ENDPOINT)
    server.lose_answer()
    with pytest.raises(UnavailableError, match="etag"):  # what the client's own repetition is answered
        endpoints.update(read, "traffic_split", traffic_split={"10": 100})
    assert server.calls == ["GetEndpoint", "UpdateEndpoint", "UpdateEndpoint"]
    assert server.effects == 1


def test_the_environment_says_where_vertex_is(server: VertexEndpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIA_VERTEX_ENDPOINT", server.endpoint)
    assert RollbackModel(RESOURCES).plan(request("rollback_model", TARGET)).touched == 1
