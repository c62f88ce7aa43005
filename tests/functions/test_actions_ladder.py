"""The router and the action runner together: one action after the other, until one helps; and the router killed in between."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

from core.errors import ActionError
from core.events import ActionDecision, Mode, Severity, Stage, Status
from core.incidents.endings import EndedBy, ended_by
from core.incidents.policy import IncidentPolicy
from core.settings.people import When
from core.settings.response import ActionName, Automation, Deed, Limits, Playbook
from functions.action_runner.requests import Requests
from tests.support.builders.ladders import decided
from tests.support.crash.breaking import KilledError
from tests.support.fakes import automation, outside

PLAYBOOK = Playbook(
    name="shop",
    when=When(),
    do=tuple(
        Deed(action=action)
        for action in (
            ActionName.COLLECT_DIAGNOSTICS,
            ActionName.FLUSH_CACHE,
            ActionName.RESTART_SERVICE,
            ActionName.ROLLBACK_MODEL,
        )
    ),
    mode=Mode.ACT,
)
POLICY: IncidentPolicy = replace(outside.POLICY, playbooks=(PLAYBOOK,))
FREE = {name: Limits(approval=False) for name in ActionName}


@dataclass
class Both:
    """The two functions over one store, with a bus that delivers at once."""

    router: outside.Setup = field(default_factory=lambda: outside.set_up(policy=POLICY))
    read: int = 0
    heard: int = 0

    def __post_init__(self) -> None:
        world, store = self.router.world, self.router.service.store
        self.runner = automation.set_up(store, automation=Automation(limits=FREE))
        self.runner.world.now = world.now
        requests = Requests(
            store=store,
            bus=outside.MemoryBus(world),
            ledger=self.runner.runner.ledger,
            clock=self.runner.runner.clock,
            playbooks={PLAYBOOK.name: PLAYBOOK},
        )
        self.runner.runner = replace(self.runner.runner, requests=requests)
        self.requests = requests

    def deliver(self) -> None:
        """Everything that was published is delivered, twice."""
        asked, told = self.router.world.asked, self.runner.world.published
        while self.read < len(asked) or self.heard < len(told):
            for request in asked[self.read :]:
                self.read += 1
                self.requests.require_authentic(request)
                self.runner.give(request, request)
            for decision in told[self.heard :]:
                self.heard += 1
                self.router.give(decision, decision)

    def later(self, **time: float) -> None:
        self.router.world.now += timedelta(**time)
        self.runner.world.now = self.router.world.now - timedelta(seconds=0)
        self.runner.tick()
        self.deliver()

    def find(self, status: Status = Status.FIRING) -> None:
        finding = replace(outside.FINDING, status=status, severity=Severity.ERROR, observed_at=self.router.world.now)
        self.router.give(finding)
        self.deliver()

    def actions(self) -> list[tuple[str, str]]:
        return [(one.action, one.rung) for one in self.router.world.asked]


def test_one_action_after_the_other_until_one_helps() -> None:
    both = Both()
    both.runner.action.applying = ActionError("cache: refused")
    both.find()
    both.runner.action.applying = None
    assert both.actions() == [
        ("collect_diagnostics", "1 of 4"),
        ("flush_cache", "2 of 4"),
        ("restart_service", "3 of 4"),
        ("rollback_model", "4 of 4"),
    ], "each was refused at once by the cloud"


def test_what_did_not_help_is_followed_by_the_next_and_what_helps_is_the_last() -> None:
    both = Both()
    both.find()
    assert both.actions() == [("collect_diagnostics", "1 of 4"), ("flush_cache", "2 of 4")]
    both.later(minutes=2)
    both.later(minutes=8)
    assert both.actions()[2:] == [("restart_service", "3 of 4")]
    both.later(minutes=1)
    both.find(Status.RESOLVED)
    both.later(minutes=2)
    restart = both.router.world.asked[-1]
    assert both.runner.case(restart).stage is Stage.VERIFIED
    assert both.router.incident().healed_at == both.runner.case(restart).at
    assert ended_by(both.router.incident()) is EndedBy.ACTION
    both.later(minutes=30)
    assert len(both.actions()) == 3
    assert [one.action for one in both.runner.guards().applications] == [
        "collect_diagnostics",
        "flush_cache",
        "restart_service",
    ]
    texts = " ".join(message.text for message in both.router.world.told)
    assert "flush_cache (2 of 4)" in texts
    assert "restart_service (3 of 4)" in texts
    assert both.router.world.found == [], "no request was taken for a forged one"


def failing(router: outside.Setup) -> ActionDecision:
    router.give(outside.found(0, severity=Severity.ERROR))
    flush = router.world.asked[-1]
    return decided(flush, Stage.FAILED, at=router.world.now)


def test_killed_at_any_boundary_the_next_is_requested_once() -> None:
    whole = outside.set_up(policy=POLICY)
    decision = failing(whole)
    first = whole.world.boundaries
    whole.give(decision)
    for boundary in range(first + 1, whole.world.boundaries + 1):
        router = outside.set_up(policy=POLICY)
        assert failing(router) == decision
        router.world.kill_at = boundary
        with suppress(KilledError):
            router.give(decision)
        router.world.dead, router.world.kill_at = False, 0
        router.world.now += timedelta(minutes=1)
        router.give(decision)
        router.sweep(minutes=1)
        restarts = [one for one in router.world.asked if one.action == "restart_service"]
        assert {one.rung for one in restarts} == {"3 of 4"}
        assert len({one.id for one in restarts}) == 1
        assert len(restarts) <= 1 + (restarts[0].id in router.world.excused)
        assert not any(one.action == "rollback_model" for one in router.world.asked)
