"""A request is compared with what the playbooks requested, at the moment of acting; what nobody requested is parked and found."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from core.actions.plan import ActionReason
from core.errors import UnavailableError
from core.events import ActionRequest, Event, Finding, Mode, Stage, Verb
from core.settings import Settings
from core.settings.response import Playbook
from functions.action_runner.main import build
from functions.action_runner.requests import Requests
from functions.adapters.events import encode
from functions.adapters.ledger import Ledger
from functions.services.actions import INCIDENTS
from tests.support.builders.budget import boundaries
from tests.support.crash.breaking import KilledError
from tests.support.fakes import outside
from tests.support.fakes.automation import (
    INCIDENT,
    PLAYBOOK,
    REQUEST,
    RISKY,
    START,
    Setup,
    commanded,
    last_decision,
    requested,
    set_up,
)
from tests.support.fakes.ports import MemoryPorts, Parked, posted, push


@dataclass
class Bus:
    """Takes decisions and findings."""

    setup: Setup
    found: list[Finding] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        if self.down:
            raise UnavailableError(f"bus: {topic} does not answer")
        if isinstance(event, Finding):
            assert topic == "findings"
            self.found.append(event)
        else:
            self.setup.bus.publish(topic, event, **attributes)


@dataclass
class Deployed:
    """The function with the incident that the router wrote, and its playbook."""

    setup: Setup
    playbooks: tuple[Playbook, ...] = (PLAYBOOK,)
    parked: Parked = field(default_factory=Parked)

    def __post_init__(self) -> None:
        self.bus = Bus(self.setup)

    def write(self, **fields: Any) -> None:
        data = requested(RISKY, REQUEST, **fields)
        found = self.setup.store.get(INCIDENTS, INCIDENT)
        if found:
            self.setup.store.replace(found, INCIDENTS, data)
        else:
            self.setup.store.create(INCIDENTS, INCIDENT, data)

    def deliver(self, event: Event) -> int:
        ports = MemoryPorts(
            function="action_runner",
            settings=Settings(jobs={}, playbooks=self.playbooks),
            store=self.setup.store,
            bus=self.bus,
            metrics=self.setup.runner.metrics,
            clock=self.setup.runner.clock,
            park=self.parked,
        )
        return build(ports, self.setup.runner.actions)(posted(push(encode(event), "2026-01-02T09:02:01Z")))[1]


@pytest.fixture
def deployed() -> Deployed:
    deployed = Deployed(set_up())
    deployed.write()
    return deployed


def test_what_the_playbook_requested_is_applied(deployed: Deployed) -> None:
    assert deployed.deliver(REQUEST) == 204
    assert deployed.setup.action.changed == [REQUEST.id]
    assert (deployed.parked.reasons, deployed.bus.found) == ([], [])


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        (replace(REQUEST, incident_id="i-1"), "incident_id: must be of an incident, got 'i-1'"),
        (replace(REQUEST, playbook="mine"), "playbook: must be one that responds to "),
        (replace(REQUEST, action="scale_out"), "id: must be of a request of playbook restart what hangs, got "),
        (replace(REQUEST, target="service/other"), "id: must be of a request of playbook "),
        (replace(REQUEST, sequence=2), "id: must be of a request of playbook "),
        (
            replace(REQUEST, requested_at=START - timedelta(days=400)),
            "requested_at: must be 2026-01-02T09:00:00Z, got 2024-11-28T09:00:00Z",
        ),
        (
            replace(RISKY, requested_at=START + timedelta(minutes=1)),
            "requested_at: must be 2026-01-02T09:00:00Z, got 2026-01-02T09:01:00Z",
        ),
    ],
    ids=["incident", "playbook", "action", "target", "step", "old", "newer"],
)
def test_what_nobody_requested_is_parked_and_found_and_nothing_is_applied(
    deployed: Deployed, forged: ActionRequest, says: str
) -> None:
    assert deployed.deliver(forged) == 204
    [reason] = deployed.parked.reasons
    assert reason.startswith(f"action_request: {says}")
    [finding] = deployed.bus.found
    assert (finding.condition, finding.observed_at) == ("function/action_runner:unauthorized_request", START)
    assert finding.evidence["request"] == forged.id
    assert (deployed.setup.action.calls, deployed.setup.cases()) == ([], [])


def test_a_request_to_act_of_a_playbook_that_only_plans_is_parked(deployed: Deployed) -> None:
    deployed.playbooks = (replace(PLAYBOOK, mode=Mode.DRY_RUN),)
    assert deployed.deliver(REQUEST) == 204
    assert deployed.parked.reasons == [
        "action_request: mode: must be dry_run as in playbook restart what hangs, got act"
    ]
    assert deployed.setup.action.calls == []


def test_a_flood_is_found_once_in_an_hour_and_parked_each_time(deployed: Deployed) -> None:
    for number in range(30):
        deployed.deliver(replace(REQUEST, incident_id=f"i-{number}"))
    deployed.setup.world.now += timedelta(hours=1)
    deployed.deliver(replace(REQUEST, incident_id="i-30"))
    assert len(deployed.parked.reasons) == 31
    assert [finding.observed_at for finding in deployed.bus.found] == [START, START + timedelta(hours=1)]


def test_while_the_bus_is_down_a_forged_request_comes_again(deployed: Deployed) -> None:
    deployed.bus.down = True
    assert deployed.deliver(replace(REQUEST, playbook="mine")) == 503
    assert deployed.parked.reasons == []
    deployed.bus.down = False
    assert deployed.deliver(replace(REQUEST, playbook="mine")) == 204
    assert (len(deployed.parked.reasons), len(deployed.bus.found)) == (1, 1)


def test_a_request_that_lay_on_the_bus_is_refused_at_exactly_half_an_hour(deployed: Deployed) -> None:
    deployed.setup.world.now += timedelta(minutes=30)
    deployed.deliver(REQUEST)
    assert last_decision(deployed.setup)[:2] == (Stage.REFUSED, ActionReason.OUT_OF_TIME)
    early = Deployed(set_up())
    early.write()
    early.setup.world.now += timedelta(minutes=30, microseconds=-1)
    early.deliver(REQUEST)
    assert early.setup.action.changed == [REQUEST.id]


def test_an_incident_that_is_over_is_left_alone(deployed: Deployed) -> None:
    deployed.write(open=False)
    deployed.deliver(REQUEST)
    assert last_decision(deployed.setup)[:2] == (Stage.REFUSED, ActionReason.INCIDENT_OVER)
    assert (deployed.setup.action.calls, deployed.bus.found) == ([], [])


def test_an_incident_that_is_part_of_another_is_over_when_that_one_is(deployed: Deployed) -> None:
    deployed.setup.store.create(INCIDENTS, "root", requested())
    deployed.write(open=False, merged_into="root")
    deployed.deliver(REQUEST)
    assert deployed.setup.action.changed == [REQUEST.id]


def test_an_action_that_the_playbook_does_not_name_any_more_is_refused(deployed: Deployed) -> None:
    deployed.playbooks = (replace(PLAYBOOK, do=PLAYBOOK.do[1:]),)
    deployed.deliver(REQUEST)
    assert last_decision(deployed.setup)[:2] == (Stage.REFUSED, ActionReason.NOT_REQUESTED)
    assert deployed.setup.action.calls == []


def test_an_approval_counts_from_its_instant_however_old_the_request(deployed: Deployed) -> None:
    deployed.deliver(RISKY)
    deployed.setup.world.now += timedelta(minutes=29)
    deployed.setup.action.applying = UnavailableError("endpoint: does not answer")
    assert deployed.deliver(commanded(Verb.APPROVE, RISKY.id)) == 503
    deployed.setup.world.now += timedelta(minutes=29)
    deployed.setup.action.applying = None
    assert deployed.deliver(commanded(Verb.APPROVE, RISKY.id)) == 204
    assert deployed.setup.action.changed == [RISKY.id]


def test_an_approval_for_an_incident_that_is_over_is_refused(deployed: Deployed) -> None:
    deployed.deliver(RISKY)
    deployed.write(open=False)
    deployed.deliver(commanded(Verb.APPROVE, RISKY.id))
    assert last_decision(deployed.setup, RISKY)[:2] == (Stage.REFUSED, ActionReason.INCIDENT_OVER)
    assert deployed.setup.guards().applications == ()


def test_between_two_attempts_an_incident_may_end(deployed: Deployed) -> None:
    deployed.setup.action.applying = UnavailableError("service: does not answer")
    assert deployed.deliver(REQUEST) == 503
    deployed.setup.action.applying = None
    deployed.write(open=False)
    deployed.deliver(REQUEST)
    assert last_decision(deployed.setup)[:2] == (Stage.FAILED, ActionReason.INCIDENT_OVER)
    assert deployed.setup.action.changed == []


def test_a_request_that_was_begun_and_is_delivered_again_is_no_forgery(deployed: Deployed) -> None:
    deployed.deliver(REQUEST)
    deployed.write(ladders=[])
    assert deployed.deliver(REQUEST) == 204
    assert (deployed.parked.reasons, deployed.bus.found) == ([], [])


def test_whenever_a_request_is_published_the_incident_has_it() -> None:
    """The router is killed at each boundary in turn."""
    playbook = replace(PLAYBOOK, name="restart", do=PLAYBOOK.do[:1])
    policy = replace(outside.POLICY, playbooks=(playbook,))
    whole = outside.set_up(policy=policy)
    whole.give(outside.found(0))
    seen = 0
    for boundary in boundaries(whole.world.boundaries):
        router = outside.set_up(policy=policy)
        router.world.kill_at = boundary
        with suppress(KilledError):
            router.give(outside.found(0))
        router.world.dead, router.world.kill_at = False, 0
        for request in router.world.asked:
            requests = Requests(
                store=router.service.store,
                bus=outside.MemoryBus(router.world),
                ledger=Ledger(router.service.store, router.service.clock, "test"),
                clock=router.service.clock,
                playbooks={playbook.name: playbook},
            )
            requests.require_authentic(request)
            assert requests.objection(request, begins=True) is None
            seen += 1
    assert seen
