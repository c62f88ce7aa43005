"""Promotions of a model with an endpoint: each step moves the traffic of a server of Vertex AI's API, over gRPC, whatever breaks."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from core.errors import RefusedError, UnavailableError
from core.events import Severity, Status, Verb
from core.promotion import PromotionStage, holders
from core.promotion.traffic import shares_of
from core.settings import Mode
from core.settings.response import Resource
from functions.adapters.actions.vertex import Endpoints
from functions.adapters.endpoint_traffic import EndpointTraffic, deployed_on
from functions.promotion import told
from functions.services.incidents.documents import INCIDENTS
from functions.services.promotions import COLLECTION, Record, read_record
from tests.support.builders.budget import ALL
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.crash.promotions import (
    AT,
    BETTER,
    DAY,
    HOUR,
    POLICY,
    SHADOWED,
    WORSE,
    Story,
    check_shares,
    command,
    play,
    story,
)
from tests.support.fakes.promotions import MODEL, Tables, give, tick
from tests.support.servers.vertex import ENDPOINT, VertexEndpoints, deployed

Split = dict[str, int]


@dataclass
class BreakingEndpoints(Endpoints):
    """Google's client, of which each call may be the last: before it is sent, and before its answer is known."""

    world: Breaking
    server: VertexEndpoints
    patience: float = 5.0
    conflicts: list[Callable[[], None]] = field(default_factory=list)
    """What happens between a read and a write, each once."""

    def __post_init__(self) -> None:
        super().__init__(endpoint=self.server.endpoint, patience=self.patience)

    def get(self, name: str) -> Any:
        self.world.boundary()
        return super().get(name)

    def update(self, read: Any, *paths: str, **changes: Any) -> Any:
        self.world.boundary()
        if self.conflicts:
            self.conflicts.pop()()
        changed = super().update(read, *paths, **changes)
        self.world.boundary()
        return changed


@pytest.fixture(scope="module")
def server() -> Iterator[VertexEndpoints]:
    server = VertexEndpoints()
    yield server
    server.stop()


def deploy(server: VertexEndpoints, *versions: str, traffic: Split | None = None) -> None:
    """What is deployed from now on, by versions whose deployments have ids of their own, and who has the traffic."""
    models = [deployed(f"1{version}", version=int(version), name="delay") for version in versions]
    if traffic:
        server.set(traffic_split={f"1{version}": share for version, share in traffic.items()})
    server.set(deployed_models=models)


def split(server: VertexEndpoints) -> Split:
    """The traffic by version."""
    found = {one.version.rpartition("@")[2]: one.share for one in deployed_on(server.endpoint_resource) if one.share}
    assert sum(server.endpoint_resource.traffic_split.values()) == 100
    return found


def world_of(server: VertexEndpoints, **pairs: Any) -> Tables:
    """A world whose model has the endpoint, where version 7 serves."""
    server.set(labels={})
    deploy(server, "7", "8", traffic={"7": 100})
    world = Tables(now=AT, pairs=pairs, resources={MODEL.target: Resource(endpoint=ENDPOINT)})
    world.endpoints = EndpointTraffic(BreakingEndpoints(world, server))
    world.registered = {"7": AT - DAY, "8": AT}
    return world


def run(world: Tables, model: Any = SHADOWED, *, hours: int, first: int = 0) -> None:
    for hour in range(first, hours):
        world.now = AT + hour * HOUR
        give(world, model, tick(world.now))


def record(world: Tables) -> Record:
    return read_record(world.documents.get((COLLECTION, MODEL.name)))


def steps(world: Tables) -> list[tuple[str, str, float]]:
    return [(one["stage"], one["version"], one["share"]) for one in world.changes.values() if one["version"]]


def findings(world: Tables) -> list[tuple[Status, Severity, str]]:
    return [(one.status, one.severity, one.summary) for one in world.found if one.kind == told.WAITS]


def test_a_better_challenger_walks_5_25_100_and_the_endpoint_goes_with_it(server: VertexEndpoints) -> None:
    """The pairs are made up: 300 of 5,000 are won, 200 are lost."""
    world, seen = world_of(server, **{"8": BETTER}), list[Split]()
    for hour in range(80):
        run(world, first=hour, hours=hour + 1)
        if not seen or split(server) != seen[-1]:
            seen.append(split(server))
        assert shares_of(holders(record(world).state)) == split(server)  # type: ignore[arg-type]  # there is one
    assert seen == [{"7": 100}, {"7": 95, "8": 5}, {"7": 75, "8": 25}, {"8": 100}]
    assert world.holders() == {"champion": ("8", 100), "challenger": (None, 0)}
    assert findings(world) == []


def test_one_with_an_incident_is_rolled_back_on_the_endpoint_too(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    run(world, hours=30)
    assert split(server) == {"7": 75, "8": 25}
    incident = {"open": True, "targets": [MODEL.target], "severity": "error", "opened_at": world.now}
    MemoryStore(world, revision=world.boundaries).create(INCIDENTS, "late", incident)
    run(world, first=30, hours=31)
    assert split(server) == {"7": 100}
    assert world.holders() == {"champion": ("7", 100), "challenger": (None, 0)}


def test_what_is_worse_never_gets_traffic_and_the_endpoint_is_left_alone(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": WORSE})
    before = server.endpoint_resource.etag
    run(world, hours=30)
    assert (record(world).state.stage, server.endpoint_resource.etag) == (PromotionStage.REJECTED, before)  # type: ignore[union-attr]


def test_a_version_that_is_not_deployed_waits_and_one_finding_says_so(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    deploy(server, "7")
    run(world, hours=4)
    said = f"{MODEL.name}: the promotion waits: version 8 (models:/delay/8 projects/p/locations/europe-west4/models/delay@8)"
    assert findings(world) == [(Status.FIRING, Severity.WARNING, f"{said} is not deployed on the endpoint")]
    assert (record(world).state.stage, split(server)) == (PromotionStage.COMPARISON, {"7": 100})  # type: ignore[union-attr]
    with pytest.raises(RefusedError, match="is not deployed on the endpoint"):
        give(world, SHADOWED, command(Verb.PROMOTE, world.now))
    deploy(server, "7", "8")
    server.replicas("18", 0)
    run(world, first=4, hours=5)
    assert "has no replica" in record(world).waits
    server.replicas("18", 1)
    run(world, first=5, hours=6)
    assert split(server) == {"7": 95, "8": 5}
    assert [status for status, _, _ in findings(world)] == [Status.FIRING, Status.RESOLVED]


@pytest.mark.parametrize("rolls_back", [False, True])
def test_what_waits_for_an_endpoint_ends_where_the_settings_do_not_have_it_any_more(
    server: VertexEndpoints, *, rolls_back: bool
) -> None:
    world = world_of(server, **{"8": BETTER})
    run(world, hours=2)
    server.replicas("17" if rolls_back else "18", 0)
    if rolls_back:
        give(world, SHADOWED, command(Verb.ROLL_BACK, world.now))
    run(world, first=2, hours=40)
    assert [status for status, _, _ in findings(world)] == [Status.FIRING]
    world.resources = {}
    run(world, first=40, hours=42)
    assert [status for status, _, _ in findings(world)] == [Status.FIRING, Status.RESOLVED]
    assert (record(world).waits, record(world).move) == ("", None)


def test_traffic_that_somebody_else_moved_is_not_promoted_over_and_can_be_rolled_back(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    run(world, hours=2)
    server.set(traffic_split={"17": 50, "18": 50})
    run(world, first=2, hours=40)
    assert record(world).waits == "somebody else moved the traffic: it must be 7: 95%, 8: 5%, got 7: 50%, 8: 50%"
    assert split(server) == {"7": 50, "8": 50}
    give(world, SHADOWED, command(Verb.ROLL_BACK, world.now))
    assert (split(server), world.holders()["champion"]) == ({"7": 100}, ("7", 100))


def test_a_rollback_that_cannot_be_made_says_so_and_the_aliases_tell_who_serves(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    run(world, hours=2)
    server.replicas("17", 0)
    asked = command(Verb.ROLL_BACK, world.now)
    give(world, SHADOWED, asked)
    assert (split(server), world.holders()["champion"]) == ({"7": 95, "8": 5}, ("7", 95))
    run(world, first=2, hours=4)
    [(status, severity, summary)] = findings(world)
    assert (status, severity, "not rolled back" in summary) == (Status.FIRING, Severity.ERROR, True)
    server.replicas("17", 1)
    run(world, first=4, hours=6)
    assert (split(server), world.holders()["champion"]) == ({"7": 100}, ("7", 100))
    assert findings(world)[-1][0] is Status.RESOLVED
    # The aliases changed when the traffic did.
    assert max(one["changed_at"] for one in world.changes.values()) == AT + 4 * HOUR


def test_a_step_is_watched_from_when_its_traffic_is_in_place(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    client = BreakingEndpoints(world, server)
    world.endpoints = EndpointTraffic(client)

    def lost() -> None:
        raise UnavailableError("nothing answers")

    run(world, hours=1)
    client.conflicts = [lost] * 2
    for _ in range(2):
        with pytest.raises(UnavailableError):
            give(world, SHADOWED, tick(AT + HOUR))
    assert (split(server), [stage for stage, _, _ in steps(world)]) == ({"7": 100}, ["comparison"])
    world.now = AT + 20 * HOUR
    give(world, SHADOWED, tick(world.now))
    assert split(server) == {"7": 95, "8": 5}
    run(world, first=21, hours=44)
    assert split(server) == {"7": 95, "8": 5}
    run(world, first=44, hours=45)
    assert split(server) == {"7": 75, "8": 25}
    state = record(world).state
    assert state is not None
    assert [(one.at, one.share) for one in state.splits[1:]] == [(AT + 20 * HOUR, 5), (AT + 44 * HOUR, 25)]


def test_an_endpoint_that_was_changed_at_this_moment_is_read_again(server: VertexEndpoints) -> None:
    world = world_of(server, **{"8": BETTER})
    client = BreakingEndpoints(world, server, conflicts=[partial(server.set, description="changed")])
    world.endpoints = EndpointTraffic(client)
    run(world, hours=1)
    with pytest.raises(UnavailableError, match="etag"):
        give(world, SHADOWED, tick(AT + HOUR))
    assert split(server) == {"7": 100}
    give(world, SHADOWED, tick(AT + HOUR))
    assert (split(server), server.endpoint_resource.description) == ({"7": 95, "8": 5}, "changed")


def test_an_endpoint_that_is_down_delays_a_step_and_is_told_of_when_it_is_late() -> None:
    server = VertexEndpoints()
    world = world_of(server, **{"8": BETTER})
    run(world, hours=2)
    world.endpoints = EndpointTraffic(BreakingEndpoints(world, server, patience=0.3))
    server.stop()
    with pytest.raises(UnavailableError):
        give(world, SHADOWED, command(Verb.ROLL_BACK, world.now))
    assert world.holders()["champion"] == ("7", 95)
    for hour in (2, 3):
        world.now = AT + hour * HOUR
        with pytest.raises(UnavailableError):
            give(world, SHADOWED, tick(world.now))
    [(status, severity, summary)] = findings(world)
    assert (status, severity, "does not answer" in summary) == (Status.FIRING, Severity.ERROR, True)


def test_in_an_ab_comparison_the_share_is_on_the_endpoint_from_the_start(server: VertexEndpoints) -> None:
    world = world_of(server)
    model = replace(SHADOWED, promotion=replace(POLICY, mode=Mode.AB, share=30))
    run(world, model, hours=1)
    assert split(server) == {"7": 70, "8": 30}
    world.registered["9"] = AT + HOUR
    run(world, model, first=1, hours=3)  # it takes the place when it is deployed
    assert (split(server), findings(world)[0][0]) == ({"7": 70, "8": 30}, Status.FIRING)
    deploy(server, "7", "8", "9")
    run(world, model, first=3, hours=4)
    assert split(server) == {"7": 70, "9": 30}
    give(world, model, command(Verb.ROLL_BACK, world.now))
    assert split(server) == {"7": 100}


def outside(seed: int, told_of: Story, server: VertexEndpoints) -> Story:
    """The story with what others do to the endpoint: versions are deployed late or never, lose their replicas, traffic is moved."""
    chosen = random.Random(-seed - 1)
    there = ["7"]

    def deploys(version: str) -> None:
        there.append(version)
        deploy(server, *there)

    def replicas(count: int) -> None:
        for version in there:
            server.replicas(f"1{version}", count if version == there[-1] else 1)

    def moves() -> None:
        server.set(traffic_split={f"1{there[0]}": 40, f"1{there[-1]}": 60} if len(there) > 1 else {"17": 100})

    done: list[tuple[datetime, Callable[[], None]]] = [
        (at + chosen.randint(0, 10) * HOUR, partial(deploys, version))
        for version, at in told_of.registered.items()
        if version != "7" and chosen.random() < 0.9
    ]
    for _ in range(chosen.randint(0, 2)):
        at = AT + chosen.randint(0, 140) * HOUR
        done += [(at, partial(replicas, 0)), (at + timedelta(hours=5), partial(replicas, 1))]
    if chosen.random() < 0.3:
        done.append((AT + chosen.randint(0, 140) * HOUR, moves))
    return replace(told_of, outside=sorted(done, key=lambda one: one[0]))


def check(server: VertexEndpoints, world: Tables) -> None:
    """The traffic sums to 100; and where nothing waits, and nobody else moved it, it is what the aliases and the state say."""
    check_shares(world)
    found, known = split(server), record(world)
    if known.state and known.move is None and not known.unsent and server.endpoint_resource.labels:
        told_by_aliases = {version: share for version, share in world.holders().values() if version and share}
        assert told_by_aliases == shares_of(holders(known.state))
        if not known.waits and _moved_by_us(server):
            assert found == told_by_aliases


def _moved_by_us(server: VertexEndpoints) -> bool:
    """Whether nobody but the promotion has written the split last; others leave a quote at the end of the etag."""
    return server.endpoint_resource.etag.endswith("+")


@pytest.mark.parametrize("seed", range(1000 if ALL else 12))
def test_killed_anywhere_traffic_and_aliases_end_as_if_nothing_had_been(seed: int, server: VertexEndpoints) -> None:
    ends = []
    for killed in (False, True):
        world = world_of(server)
        deploy(server, "7")
        play(
            seed,
            outside(seed, story(seed), server),
            world,
            killed=killed,
            check=partial(check, server),
            unavailable=True,
        )
        ends.append((world.changes, world.looks, world.holders(), {one.id for one in world.found}, split(server)))
    assert ends[0] == ends[1]
