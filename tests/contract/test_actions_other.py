"""The action revoke_access, Google's own client against IAM on loopback; and the registry of all actions."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from core.actions.plan import Health
from core.errors import ActionError
from core.events import ActionRequest
from core.settings import ActionName, Resource, Settings
from functions.adapters.actions import iam as iam_client
from functions.adapters.actions.registry import Action, Registry
from functions.adapters.actions.revoke_access import RevokeAccess
from functions.adapters.warehouse import BigQueryWarehouse
from tests.support.checks.action_conformance import KEY, ActionSuite, UndoSuite, request
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.recorders import RecordingBus
from tests.support.servers.cloud_logging import PROJECT
from tests.support.servers.iam import ACCOUNT, Iam, iam

pytest_plugins = ["tests.support.servers.warehouse"]

SOON = 0.3
"""Seconds of patience, for tests in which nothing answers."""
TARGET = "service/checkout"


@dataclass
class IamWorld:
    """An account with one enabled key, so that one effect of the action is one call."""

    server: Iam
    action: Action
    hasty: Action
    request: ActionRequest

    def snapshot(self) -> Any:
        return self.server.states()

    restored = snapshot

    def effects(self) -> int:
        return self.server.effects

    def interfere(self) -> None:
        del self.server.accounts[ACCOUNT]

    def settle(self) -> None: ...

    def spoil(self) -> None:
        self.server.give("a1")

    def deny(self) -> None:
        self.server.denied = True

    def hang(self) -> None:
        self.server.silent = True

    def stop(self) -> None:
        self.server.stop()

    def lose_answer(self) -> None:
        self.server.losing = True


@pytest.fixture
def keys() -> Iterator[Iam]:
    with iam() as server:
        yield server


def revoke(server: Iam, patience: float = 5.0) -> RevokeAccess:
    resources = {TARGET: Resource(service_account=ACCOUNT)}
    return RevokeAccess(resources, iam_client.Keys(endpoint=server.endpoint, patience=patience))


class TestRevokeAccess(ActionSuite, UndoSuite):
    @pytest.fixture
    def world(self, keys: Iam) -> IamWorld:
        keys.give("a1")
        keys.give("c3", disabled=True)
        keys.give("g1", google=True)
        return IamWorld(keys, revoke(keys), revoke(keys, SOON), request("revoke_access", TARGET))


@pytest.fixture
def leaked(keys: Iam) -> Iam:
    for key in ("a1", "b2"):
        keys.give(key)
    keys.give("c3", disabled=True)
    keys.give("g1", google=True)
    return keys


def test_every_enabled_key_that_people_made_is_disabled_and_no_other(leaked: Iam) -> None:
    action = revoke(leaked)
    plan = action.plan(request("revoke_access", TARGET))
    assert plan.touched == 2
    assert [step.what for step in plan.steps] == ["key a1", "key b2"]
    assert action.apply(plan, KEY) == f"{ACCOUNT}: 2 keys disabled"
    assert leaked.states() == {"a1": True, "b2": True, "c3": True, "g1": False}


def test_undoing_enables_exactly_what_was_disabled(leaked: Iam) -> None:
    action = revoke(leaked)
    plan = action.plan(request("revoke_access", TARGET))
    action.apply(plan, KEY)
    action.undo(plan)
    assert leaked.states() == {"a1": False, "b2": False, "c3": True, "g1": False}


def test_a_key_that_was_deleted_meanwhile_is_no_obstacle(leaked: Iam) -> None:
    action = revoke(leaked)
    plan = action.plan(request("revoke_access", TARGET))
    del leaked.accounts[ACCOUNT]["a1"]
    action.apply(plan, KEY)
    assert action.verify(plan).health is Health.GOOD
    assert action.undo(plan) == f"{ACCOUNT}: 1 key enabled; 1 key deleted since"
    assert leaked.states() == {"b2": False, "c3": True, "g1": False}


def test_a_key_that_appeared_since_is_reported_and_left(leaked: Iam) -> None:
    action = revoke(leaked)
    plan = action.plan(request("revoke_access", TARGET))
    leaked.give("d4")
    assert action.apply(plan, KEY).endswith("enabled since it was planned, and left: d4")
    assert leaked.states()["d4"] is False
    verification = action.verify(plan)
    assert verification.health is Health.GOOD
    assert "d4" in verification.detail


def test_a_crash_between_two_keys_is_made_good(leaked: Iam) -> None:
    action = revoke(leaked)
    plan = action.plan(request("revoke_access", TARGET))
    leaked.give("a1", disabled=True)  # as far as the first attempt came
    action.apply(plan, KEY)
    assert leaked.states()["b2"] is True
    assert leaked.effects == 1


def test_an_account_without_an_enabled_key_leaves_nothing_to_do(keys: Iam) -> None:
    keys.give("a1", disabled=True)
    plan = revoke(keys).plan(request("revoke_access", TARGET))
    assert (plan.steps, plan.touched) == ((), 0)


def test_an_account_that_does_not_exist_is_refused_by_its_name(keys: Iam) -> None:
    with pytest.raises(ActionError, match=ACCOUNT):
        revoke(keys).plan(request("revoke_access", TARGET))


@pytest.mark.parametrize("name", ActionName)
def test_there_is_an_action_of_every_name_and_it_is_made_once(
    name: ActionName, warehouse: BigQueryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
    registry = Registry(Settings(jobs={}), dict, warehouse, RecordingBus(), MemoryStore(Breaking()))
    action = registry[name]
    assert registry[name] is action
    with pytest.raises(ActionError, match="nobody/knows"):
        action.plan(request(name, "nobody/knows"))


def imported(code: str) -> set[str]:
    """The modules that a program has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], check=True, capture_output=True, text=True
    )
    return set(done.stdout.split())


CLIENTS: dict[str, Sequence[str]] = {
    "retrain_model": (),
    "flush_cache": ("redis",),
    "revoke_access": ("google.cloud.iam_admin_v1",),
    "collect_diagnostics": ("google.cloud.logging_v2",),
}
ALL_CLIENTS = (
    "redis",
    "google.cloud.iam_admin_v1",
    "google.cloud.logging_v2",
    "google.cloud.run_v2",
    "google.cloud.aiplatform_v1",
    "google.cloud.aiplatform",
)


@pytest.mark.parametrize("name", CLIENTS)
def test_only_the_client_of_the_action_asked_for_is_imported(name: str) -> None:
    code = "import os; os.environ['GOOGLE_CLOUD_PROJECT'] = 'shop'\n"
    code += "from core.settings import ActionName, Settings\nfrom functions.adapters.actions.registry import Registry\n"
    before = imported(f"{code}registry = Registry(Settings(jobs={{}}), dict, None, None, None)")
    after = imported(f"{code}Registry(Settings(jobs={{}}), dict, None, None, None)[ActionName('{name}')]")
    assert not before & set(ALL_CLIENTS)
    assert after & set(ALL_CLIENTS) == set(CLIENTS[name])
