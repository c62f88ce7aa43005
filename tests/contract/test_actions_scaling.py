"""Scaling the replicas of an endpoint and of a deployment, out and in: over the wire, against servers of their APIs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import trustme
from google.cloud.aiplatform_v1.types import DeployedModel, Endpoint

from core.actions.plan import Health
from core.capacity.scaling import Direction
from core.errors import ActionError, UnavailableError
from core.settings.response import Resource
from functions.adapters.actions.scale_deployment import ScaleDeployment
from functions.adapters.actions.scale_endpoint import ScaleEndpoint
from functions.adapters.actions.scale_in import ScaleIn
from functions.adapters.actions.scale_out import ScaleOut
from functions.adapters.actions.vertex import Endpoints
from tests.support.checks.action_conformance import (
    KEY,
    ActionSuite,
    GrpcWorld,
    PendingSuite,
    UndoSuite,
    applied,
    request,
)
from tests.support.servers.kubernetes import Cluster
from tests.support.servers.targets import TOKEN
from tests.support.servers.vertex import ENDPOINT, VertexEndpoints

pytest_plugins = ["tests.support.servers.target_fixtures"]
TARGET = "model/flights"
OUT, IN = Direction.OUT, Direction.IN


class EndpointWorld(GrpcWorld):
    """An endpoint whose newest deployed model has 2 to 5 replicas, and the traffic."""

    def __init__(self, direction: Direction = OUT, *, needed: int = 0) -> None:
        self.server = VertexEndpoints()
        super().__init__(self.server)
        self.replicas(2, 5)
        self.request = request(f"scale_{direction}", TARGET)
        self.action, self.hasty = (
            ScaleEndpoint(
                {TARGET: Resource(endpoint=ENDPOINT)},
                Endpoints(endpoint=self.server.endpoint, patience=patience),
                direction=direction,
                needed=lambda _target, _at: needed,
            )
            for patience in (5.0, 0.5)
        )

    @property
    def model(self) -> DeployedModel:
        [model] = [one for one in self.server.endpoint_resource.deployed_models if one.id == "30"]
        return model

    def replicas(self, least: int, most: int, *, kind: str = "dedicated_resources") -> None:
        setattr(self.model, kind, {"min_replica_count": least, "max_replica_count": most})

    def restored(self) -> Any:
        own = self.model.dedicated_resources
        return own.min_replica_count, own.max_replica_count

    def snapshot(self) -> Any:
        return Endpoint.to_json(self.server.endpoint_resource)

    def interfere(self) -> None:
        self.replicas(3, 7)

    def settle(self) -> None:
        self.server.replicas("30", self.restored()[0])

    def spoil(self) -> None:
        self.server.replicas("30", 1, "Not enough resources available to fulfil request.")


class DeploymentWorld:
    """A deployment with three replicas."""

    def __init__(
        self, authority: trustme.CA, direction: Direction = OUT, *, needed: int = 0, host: str = "127.0.0.1"
    ) -> None:
        self.cluster = Cluster(authority, host=host)
        self.request = request(f"scale_{direction}", TARGET)
        ca = authority.cert_pem.bytes().decode()
        self.resources: Mapping[str, Resource] = {
            TARGET: Resource(deployment="shop/scorer", cluster=self.cluster.url, ca=ca),
            "service/gone": Resource(deployment="shop/gone", cluster=self.cluster.url, ca=ca),
        }
        self.action, self.hasty = (
            ScaleDeployment(self.resources, direction=direction, needed=lambda _target, _at: needed, patience=patience)
            for patience in (5.0, 0.5)
        )

    def restored(self) -> Any:
        return self.cluster.replicas

    def snapshot(self) -> Any:
        return self.cluster.replicas, self.cluster.version

    def interfere(self) -> None:
        self.cluster.change(4)

    def settle(self) -> None:
        self.cluster.ready = self.cluster.replicas

    def spoil(self) -> None:
        self.cluster.failure = "ReplicaSet has timed out progressing."

    def effects(self) -> int:
        return self.cluster.effects

    def deny(self) -> None:
        self.cluster.denied = True

    def hang(self) -> None:
        self.cluster.silent = True

    def stop(self) -> None:
        self.cluster.stop()

    def lose_answer(self) -> None:
        self.cluster.losing = True


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TestScaleEndpoint(ActionSuite, PendingSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[EndpointWorld]:
        world = EndpointWorld()
        yield world
        world.stop()

    def test_it_doubles_the_replicas_of_the_model_that_serves_and_changes_nothing_else(
        self, world: EndpointWorld
    ) -> None:
        others = [str(one) for one in world.server.endpoint_resource.deployed_models if one.id != "30"]
        split = dict(world.server.endpoint_resource.traffic_split)
        applied(world)
        assert world.restored() == (4, 10)
        assert [str(one) for one in world.server.endpoint_resource.deployed_models if one.id != "30"] == others
        assert dict(world.server.endpoint_resource.traffic_split) == split

    def test_a_model_without_replicas_of_its_own_is_refused(self, world: EndpointWorld) -> None:
        world.model.shared_resources = "projects/p/locations/europe-west4/deploymentResourcePools/pool"
        with pytest.raises(ActionError, match="no replicas of its own"):
            world.action.plan(world.request)

    def test_automatic_resources_are_scaled_as_well(self, world: EndpointWorld) -> None:
        world.replicas(1, 1, kind="automatic_resources")
        applied(world)
        own = world.model.automatic_resources
        assert (own.min_replica_count, own.max_replica_count) == (2, 2)

    def test_a_model_that_was_undeployed_since_the_plan_is_gone(self, world: EndpointWorld) -> None:
        plan = world.action.plan(world.request)
        models = [one for one in world.server.endpoint_resource.deployed_models if one.id != "30"]
        world.server.set(deployed_models=models, traffic_split={"20": 100})
        with pytest.raises(ActionError, match="the deployed model 30 is gone"):
            world.action.apply(plan, KEY)


class TestScaleEndpointIn(ActionSuite, UndoSuite):
    @pytest.fixture
    def world(self) -> Iterator[EndpointWorld]:
        world = EndpointWorld(IN, needed=1)
        yield world
        world.stop()

    def test_what_the_next_hour_does_not_need_is_taken_away_and_room_is_left(self, world: EndpointWorld) -> None:
        applied(world)
        assert world.restored() == (1, 5)


class TestScaleDeployment(ActionSuite, PendingSuite, UndoSuite):
    @pytest.fixture
    def world(self, authority: trustme.CA) -> Iterator[DeploymentWorld]:
        world = DeploymentWorld(authority)
        yield world
        world.stop()

    def test_it_doubles_the_replicas(self, world: DeploymentWorld) -> None:
        applied(world)
        assert world.cluster.replicas == 6

    def test_a_deployment_of_any_size_is_verified(self, world: DeploymentWorld) -> None:
        world.cluster.note = "x" * 250_000
        plan = applied(world)
        world.settle()
        assert world.action.verify(plan).health is Health.GOOD

    def test_a_change_between_reading_and_writing_is_not_overwritten(self, world: DeploymentWorld) -> None:
        plan = world.action.plan(world.request)
        world.cluster.racing = True
        with pytest.raises(UnavailableError, match="409"):
            world.action.apply(plan, KEY)
        assert (world.cluster.replicas, world.cluster.effects) == (4, 0)

    def test_a_deployment_that_is_not_there_is_refused(self, world: DeploymentWorld) -> None:
        with pytest.raises(ActionError, match="404"):
            world.action.plan(request("scale_out", "service/gone"))

    @pytest.mark.parametrize("target", [TARGET, "service/gone"])
    def test_a_plan_is_not_applied_to_another_cluster_that_the_settings_name_since(
        self, world: DeploymentWorld, authority: trustme.CA, target: str
    ) -> None:
        plan = world.action.plan(world.request)
        other = DeploymentWorld(authority)
        other.resources = {target: other.resources[TARGET]}
        with pytest.raises(ActionError, match="since the plan"):
            ScaleDeployment(other.resources).apply(plan, KEY)
        other.stop()
        assert (world.cluster.effects, other.cluster.effects) == (0, 0)

    def test_another_authority_is_not_trusted(self, world: DeploymentWorld) -> None:
        other = trustme.CA().cert_pem.bytes().decode()
        resource = Resource(deployment="shop/scorer", cluster=world.cluster.url, ca=other)
        with pytest.raises(UnavailableError, match="SSL"):
            ScaleDeployment({TARGET: resource}).plan(world.request)


class TestScaleDeploymentIn(ActionSuite, UndoSuite):
    @pytest.fixture
    def world(self, authority: trustme.CA) -> Iterator[DeploymentWorld]:
        world = DeploymentWorld(authority, IN, needed=1)
        yield world
        world.stop()

    def test_as_many_stay_as_the_next_hour_needs(self, world: DeploymentWorld) -> None:
        applied(world)
        assert world.cluster.replicas == 1


@pytest.mark.parametrize(("needed", "why"), [(0, "is not known"), (3, "no more than"), (9, "no more than")])
def test_nothing_is_taken_away_that_is_needed_or_may_be(authority: trustme.CA, needed: int, why: str) -> None:
    world = DeploymentWorld(authority, IN, needed=needed)
    plan = world.action.plan(world.request)
    world.stop()
    assert (plan.steps, why in plan.summary) == ((), True)


@pytest.mark.usefixtures("account")
def test_the_token_of_the_account_is_sent_to_a_cluster(authority: trustme.CA) -> None:
    # This machine by another name than those of a loopback.
    world = DeploymentWorld(authority, host="0.0.0.0")
    applied(world)
    world.stop()
    assert (world.cluster.replicas, set(world.cluster.tokens)) == (6, {f"Bearer {TOKEN}"})


def test_what_a_target_has_decides_what_is_scaled(authority: trustme.CA) -> None:
    world = DeploymentWorld(authority)
    out, back = ScaleOut(world.resources), ScaleIn(world.resources, needed=lambda _target, _at: 2)
    plan = out.plan(world.request)
    out.apply(plan, KEY)
    assert (world.cluster.replicas, out.verify(plan).health) == (6, Health.PENDING)
    fewer = back.plan(world.request)
    back.apply(fewer, "other")
    assert world.cluster.replicas == 2
    assert back.undo(fewer) == "the replicas are 6"
    assert out.undo(plan) == "the replicas are 3"
    world.stop()
    with pytest.raises(ActionError, match=r"resources\.nobody/knows\.service"):
        out.plan(request("scale_out", "nobody/knows"))
