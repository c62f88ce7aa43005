"""Disable the keys of a service account: a copy of a key no longer authenticates.

Only keys that people made are touched, and of them those that were enabled when it was planned. A key that has appeared
since was not approved: it is reported, and not disabled. Access tokens that were issued before stay valid until they
expire, which takes an hour at most.
"""

from collections.abc import Collection, Iterable, Mapping

from core.actions.plan import Health, Plan, Step, Verification
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions import iam
from functions.adapters.actions.calls import lookup


class RevokeAccess:
    """The action `revoke_access`; see the port.

    Only the state of a key counts: a disabled key is not disabled again. So a key that
    is disabled by others between plan and application counts as disabled by the action, and `undo` enables it.

    Args:
        resources: what targets are in the cloud.
        keys: IAM; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], keys: iam.Keys | None = None) -> None:
        self._resources = resources
        self._keys = keys or iam.connect()

    def plan(self, request: ActionRequest) -> Plan:
        """What would change; nothing where no key is enabled."""
        account = lookup(self._resources, request.target, "service_account")
        keys = self._keys.list(account)
        enabled = [key for key in keys if not key.disabled]
        return Plan(
            summary=f"service account {account}: {len(enabled)} of {_counted(len(keys))} disabled",
            steps=tuple(
                Step(what=f"key {key.id}", before=f"enabled, made {key.made_at:%Y-%m-%d}", after="disabled")
                for key in enabled
            ),
            touched=len(enabled),
            resource=f"//iam.googleapis.com/projects/-/serviceAccounts/{account}",
            state={"account": account, "keys": " ".join(key.id for key in enabled)},
        )

    def apply(self, plan: Plan, key: str) -> str:  # noqa: ARG002 - a key that is disabled is not disabled again
        """Disable those of them that are still enabled."""
        account, planned = _planned_keys(plan)
        keys = self._keys.list(account)
        for listed in keys:
            if listed.id in planned and not listed.disabled:
                self._keys.disable(account, listed.id)
        return f"{account}: {_counted(len(planned))} disabled{_others(keys, planned)}"

    def verify(self, plan: Plan) -> Verification:
        """Good when none of them can be used."""
        account, planned = _planned_keys(plan)
        keys = self._keys.list(account)
        if back := [key.id for key in keys if key.id in planned and not key.disabled]:
            return Verification(health=Health.BAD, detail=f"{account}: enabled: {', '.join(back)}")
        detail = f"{account}: {_counted(len(planned))} disabled{_others(keys, planned)}"
        return Verification(health=Health.GOOD, detail=detail)

    def undo(self, plan: Plan) -> str:
        """Enable exactly the disabled keys; a deleted key stays deleted."""
        account, planned = _planned_keys(plan)
        keys = [key for key in self._keys.list(account) if key.id in planned]
        for key in keys:
            if key.disabled:
                self._keys.enable(account, key.id)
        gone = len(planned) - len(keys)
        return f"{account}: {_counted(len(keys))} enabled{f'; {_counted(gone)} deleted since' if gone else ''}"


def _planned_keys(plan: Plan) -> tuple[str, frozenset[str]]:
    return plan.state["account"], frozenset(plan.state["keys"].split())


def _counted(count: int) -> str:
    return f"{count} key" if count == 1 else f"{count} keys"


def _others(keys: Iterable[iam.Key], planned: Collection[str]) -> str:
    """A note on enabled keys that are not in the plan, if any."""
    others = [key.id for key in keys if key.id not in planned and not key.disabled]
    return f"; enabled since it was planned, and left: {', '.join(others)}" if others else ""
