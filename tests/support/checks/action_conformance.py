"""What every action must do, whatever it acts on: one suite, run over all of them.

A test module subclasses the suites that fit and gives the fixture `world`; pytest then runs every test of them over it:

    class TestRestart(ActionSuite, PendingSuite, UndoSuite):
        @pytest.fixture
        def world(self) -> Iterator[World]: ...
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from core.actions.plan import Health, Plan
from core.errors import ActionError, UnavailableError
from core.events import ActionRequest, Mode, Severity
from functions.adapters.actions.registry import Action
from tests.support.servers.grpc_wire import GrpcServer

KEY = "inc-1:2:an_action:service/web"


class World(Protocol):
    """An action, a request for it, and the real server that it acts on."""

    @property
    def action(self) -> Action:
        """What is tested."""
        ...

    @property
    def hasty(self) -> Action:
        """The same action, which waits a short time only for a server that does not answer."""
        ...

    @property
    def request(self) -> ActionRequest:
        """What is asked for, of a target that the action knows."""
        ...

    def snapshot(self) -> Any:
        """Everything that the action could change, as the server has it; comparable."""
        ...

    def restored(self) -> Any:
        """The part of it that `undo` puts back, as it is now; comparable."""
        ...

    def effects(self) -> int:
        """How many calls have changed something so far."""
        ...

    def interfere(self) -> None:
        """Somebody else changes what the action would change, or ends it."""
        ...

    def settle(self) -> None:
        """What was applied comes into place and works."""
        ...

    def spoil(self) -> None:
        """What was applied turns out not to work."""
        ...

    def deny(self) -> None:
        """The server refuses every call for want of a permission."""
        ...

    def hang(self) -> None:
        """The server takes calls and never answers."""
        ...

    def stop(self) -> None:
        """Nothing listens there any more."""
        ...

    def lose_answer(self) -> None:
        """The next call that changes something is performed; then the connection breaks before its answer."""
        ...


class GrpcWorld:
    """The part of a world over one of Google's services that is the same for all: how its server counts and fails."""

    def __init__(self, server: GrpcServer) -> None:
        self._server = server

    def effects(self) -> int:
        return self._server.effects

    def deny(self) -> None:
        self._server.deny()

    def hang(self) -> None:
        self._server.hang()

    def stop(self) -> None:
        self._server.stop()

    def lose_answer(self) -> None:
        self._server.lose_answer()


def request(action: str, target: str) -> ActionRequest:
    """A request, as a playbook makes it."""
    return ActionRequest(
        incident_id="inc-1",
        sequence=2,
        action=action,
        target=target,
        requested_at=datetime(2026, 11, 23, 12, tzinfo=UTC),
        mode=Mode.ACT,
        playbook="bad-release",
        reason="critical",
        severity=Severity.CRITICAL,
    )


def applied(world: World, key: str = KEY) -> Plan:
    plan = world.action.plan(world.request)
    world.action.apply(plan, key)
    return plan


class ActionSuite:
    """What every action must do."""

    def test_a_plan_changes_nothing_and_says_what_it_would_touch(self, world: World) -> None:
        before = world.snapshot()
        plan = world.action.plan(world.request)
        assert (world.snapshot(), world.effects()) == (before, 0)
        assert plan.summary
        assert plan.steps
        assert plan.touched >= 1

    def test_a_plan_names_the_resource_that_it_changes(self, world: World) -> None:
        assert world.action.plan(world.request).resource.startswith("//")

    def test_a_plan_holds_texts_only(self, world: World) -> None:
        plan = world.action.plan(world.request)
        assert {type(text) for pair in plan.state.items() for text in pair} <= {str}

    def test_an_unknown_target_is_refused(self, world: World) -> None:
        with pytest.raises(ActionError, match="nobody/knows"):
            world.action.plan(request(world.request.action, "nobody/knows"))

    def test_applying_changes_it_and_says_so_in_one_line(self, world: World) -> None:
        before = world.snapshot()
        plan = world.action.plan(world.request)
        answer = world.action.apply(plan, KEY)
        assert world.snapshot() != before
        assert answer
        assert "\n" not in answer

    def test_applying_twice_with_one_key_has_one_effect(self, world: World) -> None:
        plan = applied(world)
        once, effects = world.snapshot(), world.effects()
        world.action.apply(plan, KEY)
        assert (world.snapshot(), world.effects()) == (once, effects)

    def test_applying_again_after_it_settled_has_no_effect(self, world: World) -> None:
        plan = applied(world)
        world.settle()
        once, effects = world.snapshot(), world.effects()
        world.action.apply(plan, KEY)
        assert (world.snapshot(), world.effects()) == (once, effects)

    def test_what_somebody_else_changed_since_the_plan_is_left_alone(self, world: World) -> None:
        plan = world.action.plan(world.request)
        world.interfere()
        changed, effects = world.snapshot(), world.effects()
        with pytest.raises(ActionError):
            world.action.apply(plan, KEY)
        assert (world.snapshot(), world.effects()) == (changed, effects)

    def test_a_lost_answer_and_a_retry_have_one_effect(self, world: World) -> None:
        plan = world.action.plan(world.request)
        world.lose_answer()
        with suppress(UnavailableError):
            world.action.apply(plan, KEY)
        once, effects = world.snapshot(), world.effects()
        assert effects >= 1
        world.action.apply(plan, KEY)
        assert (world.snapshot(), world.effects()) == (once, effects)

    def test_what_works_is_verified_as_good(self, world: World) -> None:
        plan = applied(world)
        world.settle()
        seen = world.snapshot()
        verification = world.action.verify(plan)
        assert (verification.health, world.snapshot()) == (Health.GOOD, seen)
        assert verification.detail

    def test_what_does_not_work_is_verified_as_bad(self, world: World) -> None:
        plan = applied(world)
        world.spoil()
        verification = world.action.verify(plan)
        assert verification.health is Health.BAD
        assert verification.detail

    def test_a_refused_permission_is_final(self, world: World) -> None:
        plan = world.action.plan(world.request)
        world.deny()
        with pytest.raises(ActionError):
            world.action.plan(world.request)
        with pytest.raises(ActionError):
            world.action.apply(plan, KEY)
        with pytest.raises(ActionError):
            world.action.verify(plan)

    def test_a_server_that_is_down_may_be_asked_later(self, world: World) -> None:
        plan = world.action.plan(world.request)
        world.stop()
        with pytest.raises(UnavailableError):
            world.hasty.plan(world.request)
        with pytest.raises(UnavailableError):
            world.hasty.apply(plan, KEY)
        with pytest.raises(UnavailableError):
            world.hasty.verify(plan)

    def test_a_server_that_never_answers_is_not_waited_for(self, world: World) -> None:
        world.hang()
        with pytest.raises(UnavailableError):
            world.hasty.plan(world.request)


class PendingSuite:
    """For an action whose change takes its time to come into place."""

    def test_what_is_on_its_way_is_pending(self, world: World) -> None:
        plan = applied(world)
        assert world.action.verify(plan).health is Health.PENDING


class UndoSuite:
    """For an action that can be undone."""

    def under_way(self, world: World) -> None:
        """What was applied comes to where it can be undone: into place, where the suite of an action says nothing else."""
        world.settle()

    def undo(self, world: World, plan: Plan) -> str:
        """Undo it, in as many calls as that takes."""
        return world.action.undo(plan)

    changes = 1
    """How many calls that change something an undo takes."""

    def test_undoing_restores_what_was(self, world: World) -> None:
        before = world.restored()
        plan = applied(world)
        self.under_way(world)
        assert world.restored() != before
        answer = self.undo(world, plan)
        assert world.restored() == before
        assert answer

    def test_undoing_twice_is_safe(self, world: World) -> None:
        plan = applied(world)
        self.under_way(world)
        self.undo(world, plan)
        once, effects = world.snapshot(), world.effects()
        world.action.undo(plan)
        assert (world.snapshot(), world.effects()) == (once, effects)

    def test_undoing_what_was_never_applied_changes_nothing(self, world: World) -> None:
        plan = world.action.plan(world.request)
        before = world.snapshot()
        world.action.undo(plan)
        assert (world.snapshot(), world.effects()) == (before, 0)

    def test_an_undo_whose_answer_is_lost_can_be_repeated(self, world: World) -> None:
        before = world.restored()
        plan = applied(world)
        self.under_way(world)
        effects = world.effects()
        world.lose_answer()
        with suppress(UnavailableError):
            world.action.undo(plan)
        self.undo(world, plan)
        assert (world.restored(), world.effects()) == (before, effects + self.changes)


class FinalSuite:
    """For an action that cannot be undone."""

    def test_undoing_is_refused_and_changes_nothing(self, world: World) -> None:
        plan = applied(world)
        once, effects = world.snapshot(), world.effects()
        with pytest.raises(ActionError):
            world.action.undo(plan)
        assert (world.snapshot(), world.effects()) == (once, effects)
