"""The actions on Cloud Run's services: Google's client over the wire, against a server that refuses what the API refuses."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from google.cloud.run_v2.types import RevisionScaling, ServiceScaling, TrafficTarget

from core.actions.plan import Health, Plan
from core.capacity.scaling import Direction
from core.errors import ActionError, UnavailableError
from core.settings.response import Resource
from functions.adapters.actions import run
from functions.adapters.actions.calls import short
from functions.adapters.actions.restart_service import RestartService
from functions.adapters.actions.scale_service import ScaleService
from functions.adapters.capacity import needed_replicas
from tests.support.checks.action_conformance import (
    KEY,
    ActionSuite,
    GrpcWorld,
    PendingSuite,
    UndoSuite,
    applied,
    request,
)
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.servers.cloud_run import LATEST, NAME, REVISION, CloudRun

TARGET = "service/web"
RESOURCES: Mapping[str, Resource] = {TARGET: Resource(service=NAME)}
OTHER_IMAGE = "docker.io/shop/web@sha256:2"


class _RunWorld(GrpcWorld):
    """A service and an action on it."""

    def __init__(self, name: str, kind: type[RestartService | ScaleService]) -> None:
        self.server = CloudRun()
        super().__init__(self.server)
        self.action = kind(RESOURCES, run.Services(endpoint=self.server.endpoint))
        self.hasty = kind(RESOURCES, run.Services(endpoint=self.server.endpoint, patience=0.5))
        self.request = request(name, TARGET)

    def snapshot(self) -> Any:
        service = self.server.service
        return type(service).to_json(service), sorted(self.server.revisions)

    def settle(self) -> None:
        self.server.settle()

    def spoil(self) -> None:
        self.server.fail()


class RestartWorld(_RunWorld):
    def __init__(self) -> None:
        super().__init__("restart_service", RestartService)

    def restored(self) -> Any:
        """How the traffic is routed, and of which template the newest revision is."""
        service = self.server.service
        return run.spell(service.traffic), dict(service.template.annotations), list(service.template.containers)

    def interfere(self) -> None:
        self.server.deploy(image=OTHER_IMAGE)
        self.server.settle()


class ScaleWorld(_RunWorld):
    def __init__(self) -> None:
        super().__init__("scale_out", ScaleService)
        self.server.set(scaling=ServiceScaling(min_instance_count=2, max_instance_count=10))
        self.server.settle()

    def restored(self) -> Any:
        service = self.server.service
        return ServiceScaling.to_json(service.scaling), service.template.scaling.max_instance_count

    def interfere(self) -> None:
        self.server.set(scaling=ServiceScaling(min_instance_count=3, max_instance_count=30))
        self.server.settle()


def routed(world: RestartWorld) -> list[tuple[int, str, int]]:
    return [(one.type_, one.revision, one.percent) for one in world.server.service.traffic]


class TestRestartService(ActionSuite, PendingSuite, UndoSuite):
    changes = 2

    def undo(self, world: Any, plan: Plan) -> str:
        with suppress(UnavailableError):
            world.action.undo(plan)
        world.settle()
        answer: str = world.action.undo(plan)
        world.settle()
        return answer

    @pytest.fixture
    def world(self) -> Iterator[RestartWorld]:
        world = RestartWorld()
        yield world
        world.stop()

    def test_the_new_revision_has_the_same_template_but_for_the_key(self, world: RestartWorld) -> None:
        applied(world)
        [former, new] = world.server.revisions.values()
        assert new.containers == former.containers
        assert new.service_account == former.service_account
        assert dict(new.annotations) == {"aia-monitoring/restart": KEY}

    def test_the_operation_is_named_and_not_waited_for(self, world: RestartWorld) -> None:
        plan = world.action.plan(world.request)
        assert world.action.apply(plan, KEY).startswith("projects/p/locations/us-central1/operations/")
        assert world.server.service.reconciling

    def test_another_key_after_the_first_is_refused(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.settle()
        with pytest.raises(ActionError, match="generation"):
            world.action.apply(plan, "another")

    def test_traffic_that_names_the_newest_revision_follows_the_new_one_and_tags_stay(
        self, world: RestartWorld
    ) -> None:
        named = TrafficTarget(type_=REVISION, revision="web-00001-abc", percent=100, tag="stable")
        world.server.set(traffic=[named])
        world.settle()
        plan = applied(world)
        world.settle()
        traffic = [(one.type_, one.revision, one.percent, one.tag) for one in world.server.service.traffic]
        assert traffic == [(REVISION, "web-00001-abc", 0, "stable"), (LATEST, "", 100, "")]
        assert world.action.verify(plan).health is Health.GOOD
        world.action.undo(plan)
        assert list(world.server.service.traffic) == [named]

    def test_a_service_that_was_taken_back_to_an_older_revision_is_not_restarted(self, world: RestartWorld) -> None:
        older = TrafficTarget(type_=REVISION, revision="web-00001-abc", percent=100)
        world.server.deploy(image=OTHER_IMAGE, traffic=[older])
        world.settle()
        with pytest.raises(ActionError, match=r"newest revision .* must have all the traffic"):
            world.action.plan(world.request)

    def test_a_service_of_which_the_newest_revision_failed_is_not_restarted(self, world: RestartWorld) -> None:
        world.server.deploy(image=OTHER_IMAGE)
        world.server.fail()
        with pytest.raises(ActionError, match=r"newest revision .* must have all the traffic"):
            world.action.plan(world.request)

    def test_a_service_that_is_being_deployed_is_not_restarted(self, world: RestartWorld) -> None:
        world.server.deploy(image=OTHER_IMAGE)
        with pytest.raises(ActionError, match="in progress"):
            world.action.plan(world.request)

    def test_a_revision_that_lost_its_traffic_is_bad(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.settle()
        world.server.set(traffic=[TrafficTarget(type_=REVISION, revision="web-00001-abc", percent=100)])
        world.settle()
        assert world.action.verify(plan).health is Health.BAD

    def test_undoing_takes_the_traffic_back_at_once_and_lets_it_follow_the_latest_again(
        self, world: RestartWorld
    ) -> None:
        plan = applied(world)
        world.settle()
        with pytest.raises(UnavailableError, match="web-00001-abc has the traffic, a revision like it is deployed"):
            world.action.undo(plan)
        assert routed(world) == [(REVISION, "web-00001-abc", 100)]
        with pytest.raises(UnavailableError, match="is being deployed"):
            world.action.undo(plan)
        world.settle()
        world.action.undo(plan)
        world.settle()
        assert routed(world) == [(LATEST, "", 100)]
        former, _, newest = world.server.revisions.values()
        assert newest.containers == former.containers
        assert dict(newest.annotations) == dict(former.annotations)
        world.interfere()
        assert short(world.server.service.latest_ready_revision) == "web-00005-xyz", "a later deployment serves"
        assert routed(world) == [(LATEST, "", 100)]

    def test_an_undone_service_can_be_restarted_again(self, world: RestartWorld) -> None:
        first = applied(world)
        world.settle()
        self.undo(world, first)
        plan = applied(world, "another")
        world.settle()
        assert world.action.verify(plan).health is Health.GOOD

    def test_undoing_the_second_restart_restores_what_the_first_one_made(self, world: RestartWorld) -> None:
        applied(world)
        world.settle()
        before = world.restored()
        second = applied(world, "another")
        world.settle()
        self.undo(world, second)
        assert world.restored() == before

    def test_a_restart_that_never_became_ready_is_undone_to_what_serves(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.spoil()
        with pytest.raises(UnavailableError):
            world.action.undo(plan)
        world.spoil()
        world.action.undo(plan)
        assert routed(world) == [(LATEST, "", 100)]
        assert short(world.server.service.latest_ready_revision) == "web-00001-abc"

    def test_a_revision_like_the_former_one_that_fails_gets_no_traffic_and_that_is_said(
        self, world: RestartWorld
    ) -> None:
        plan = applied(world)
        world.settle()
        with pytest.raises(UnavailableError):
            world.action.undo(plan)
        world.spoil()
        with pytest.raises(
            ActionError, match="web-00001-abc has the traffic by its name, not the latest: web is not ready"
        ):
            world.action.undo(plan)
        assert routed(world) == [(REVISION, "web-00001-abc", 100)]

    def test_a_deployment_between_the_two_steps_gets_its_traffic(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.settle()
        with pytest.raises(UnavailableError):
            world.action.undo(plan)
        world.interfere()
        world.action.undo(plan)
        world.settle()
        assert routed(world) == [(LATEST, "", 100)]
        assert world.server.service.template.containers[0].image == OTHER_IMAGE

    def test_traffic_that_somebody_moved_between_the_two_steps_is_left(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.settle()
        with pytest.raises(UnavailableError):
            world.action.undo(plan)
        moved = TrafficTarget(type_=REVISION, revision="web-00003-xyz", percent=100)
        world.server.set(traffic=[moved])
        world.settle()
        assert "somebody has moved the traffic since" in world.action.undo(plan)
        assert routed(world) == [(REVISION, "web-00003-xyz", 100)]

    def test_undoing_leaves_a_deployment_alone_that_came_since(self, world: RestartWorld) -> None:
        plan = applied(world)
        world.settle()
        world.interfere()
        before = world.snapshot()
        with pytest.raises(ActionError, match="somebody changed it"):
            world.action.undo(plan)
        assert world.snapshot() == before


class TestScaleOut(ActionSuite, PendingSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[ScaleWorld]:
        world = ScaleWorld()
        yield world
        world.stop()

    def test_it_doubles_the_bounds_of_the_service_and_makes_no_revision(self, world: ScaleWorld) -> None:
        applied(world)
        scaling = world.server.service.scaling
        assert (scaling.min_instance_count, scaling.max_instance_count) == (4, 20)
        assert len(world.server.revisions) == 1

    def test_a_cold_service_gets_one_warm_instance(self, world: ScaleWorld) -> None:
        world.server.set(scaling=ServiceScaling(max_instance_count=10))
        world.settle()
        applied(world)
        assert world.server.service.scaling.min_instance_count == 1

    @pytest.mark.parametrize(("needed", "bounds"), [(3, (4, 20)), (7, (7, 20)), (30, (10, 30)), (500, (10, 100))])
    def test_it_keeps_as_many_instances_warm_as_the_next_hour_needs(
        self, world: ScaleWorld, needed: int, bounds: tuple[int, int]
    ) -> None:
        store = MemoryStore(Breaking())
        proposal = {"needed": needed}
        for name, target in (("cpu", TARGET), ("other", "service/other")):
            known = {"target": target, "at": world.request.requested_at, "proposal": proposal}
            store.create("capacity", name, known)
            proposal = {"needed": 999}
        services = run.Services(endpoint=world.server.endpoint)
        world.action = ScaleService(RESOURCES, services, needed=partial(needed_replicas, store))
        applied(world)
        scaling = world.server.service.scaling
        assert (scaling.min_instance_count, scaling.max_instance_count) == bounds

    def test_a_proposal_whose_hour_is_over_and_one_that_is_not_known_do_not_count(self, world: ScaleWorld) -> None:
        store, at = MemoryStore(Breaking()), world.request.requested_at
        store.create("capacity", "old", {"target": TARGET, "at": at - timedelta(hours=2), "proposal": {"needed": 9}})
        store.create("capacity", "unknown", {"target": TARGET, "at": at, "proposal": {"needed": None}})
        store.create("capacity", "without", {"target": TARGET, "at": at, "proposal": None})
        assert needed_replicas(store, TARGET, at) == 0

    def test_it_stops_at_the_most_that_it_is_given(self, world: ScaleWorld) -> None:
        world.server.set(scaling=ServiceScaling(min_instance_count=8, max_instance_count=60))
        world.settle()
        applied(world)
        scaling = world.server.service.scaling
        assert (scaling.min_instance_count, scaling.max_instance_count) == (10, 100)

    @pytest.mark.parametrize(("needed", "warm"), [(1, 1), (2, 2), (9, 2), (0, 2)])
    def test_scaling_in_keeps_warm_what_the_next_hour_needs_where_that_is_known(
        self, world: ScaleWorld, needed: int, warm: int
    ) -> None:
        services = run.Services(endpoint=world.server.endpoint)
        world.action = ScaleService(RESOURCES, services, direction=Direction.IN, needed=lambda _target, _at: needed)
        plan = world.action.plan(world.request)
        assert bool(plan.steps) is (warm < 2)
        if plan.steps:
            world.action.apply(plan, KEY)
        scaling = world.server.service.scaling
        assert (scaling.min_instance_count, scaling.max_instance_count) == (warm, 10)

    def test_a_service_with_all_it_may_have_is_left_as_it_is(self, world: ScaleWorld) -> None:
        world.server.set(scaling=ServiceScaling(min_instance_count=20, max_instance_count=200))
        world.settle()
        plan = world.action.plan(world.request)
        assert (plan.steps, plan.touched) == ((), 0)

    def test_where_the_revisions_are_bounded_a_new_one_gets_twice_the_maximum(self, world: ScaleWorld) -> None:
        self.bound(world, 5)
        plan = applied(world)
        world.settle()
        service = world.server.service
        assert service.template.scaling.max_instance_count == 10
        assert service.scaling.max_instance_count == 10
        assert service.template.containers[0].image == "docker.io/shop/web@sha256:1"
        assert world.action.verify(plan).health is Health.GOOD
        world.action.undo(plan)
        assert service.template.scaling.max_instance_count == 10
        assert world.server.service.template.scaling.max_instance_count == 5

    def test_bounded_revisions_whose_traffic_names_one_are_not_scaled(self, world: ScaleWorld) -> None:
        self.bound(world, 5)
        newest = short(world.server.service.latest_created_revision)
        world.server.set(traffic=[TrafficTarget(type_=REVISION, revision=newest, percent=100)])
        world.settle()
        with pytest.raises(ActionError, match="latest"):
            world.action.plan(world.request)

    def test_a_service_that_is_scaled_by_hand_is_left_to_the_hand(self, world: ScaleWorld) -> None:
        by_hand = ServiceScaling(scaling_mode=ServiceScaling.ScalingMode.MANUAL, manual_instance_count=3)
        world.server.set(scaling=by_hand)
        world.settle()
        with pytest.raises(ActionError, match="manual scaling, to 3"):
            world.action.plan(world.request)

    def test_other_annotations_stay(self, world: ScaleWorld) -> None:
        world.server.set(annotations={"team": "shop"})
        world.settle()
        applied(world)
        assert world.server.service.annotations["team"] == "shop"

    def test_undoing_leaves_bounds_alone_that_somebody_set_since(self, world: ScaleWorld) -> None:
        plan = applied(world)
        world.interfere()
        before = world.snapshot()
        with pytest.raises(ActionError, match="somebody changed it"):
            world.action.undo(plan)
        assert world.snapshot() == before

    @staticmethod
    def bound(world: ScaleWorld, most: int) -> None:
        template = type(world.server.service.template)(world.server.service.template)
        template.revision = "web-00007-def"  # gcloud names every revision that it deploys
        template.scaling = RevisionScaling(max_instance_count=most)
        world.server.set(template=template)
        world.settle()


@pytest.fixture
def server() -> Iterator[CloudRun]:
    server = CloudRun()
    yield server
    server.stop()


def test_a_change_made_between_reading_and_writing_is_not_overwritten(server: CloudRun) -> None:
    services = run.Services(endpoint=server.endpoint)
    read = services.get(NAME)
    server.set(description="changed")
    with pytest.raises(UnavailableError, match="Conflict"):
        services.update(read, "traffic", traffic=read.traffic)
    assert server.effects == 0


def test_an_update_leaves_the_fields_alone_that_it_does_not_name(server: CloudRun) -> None:
    services = run.Services(endpoint=server.endpoint)
    read = services.get(NAME)
    services.update(read, "description", description="the shop")
    assert server.service.template == read.template
    assert server.service.description == "the shop"


def test_a_refusal_names_the_resource_and_the_reason(server: CloudRun) -> None:
    services = run.Services(endpoint=server.endpoint)
    gone = TrafficTarget(type_=REVISION, revision="web-00009-abc", percent=100)
    with pytest.raises(ActionError, match=f"{NAME}: refused: .*web-00009-abc does not exist"):
        services.update(services.get(NAME), "traffic", traffic=[gone])


def test_the_environment_says_where_cloud_run_is(server: CloudRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIA_RUN_ENDPOINT", server.endpoint)
    plan = RestartService(RESOURCES).plan(request("restart_service", TARGET))
    assert json.loads(plan.state["traffic"]) == [["TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "", 100, ""]]


def test_a_service_is_one_resource_whichever_action_and_target_change_it() -> None:
    world = ScaleWorld()
    both = {TARGET: Resource(service=NAME), "probe/web": Resource(service=NAME)}
    restart = RestartService(both, run.Services(endpoint=world.server.endpoint))
    plans = [restart.plan(request("restart_service", target)) for target in both]
    plans.append(world.action.plan(world.request))
    world.stop()
    assert {plan.resource for plan in plans} == {f"//run.googleapis.com/{NAME}"}
