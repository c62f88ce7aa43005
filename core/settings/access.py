"""The section `access`: who may do what over the API, by the account that Identity-Aware Proxy has signed in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import AnyPattern, Slug
from core.settings.notes import Items

GROUP = "group:"
"""How a group is named among accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Roles of accounts; each role may do what the ones before it may, and every account that is signed in may read."""

    responders: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may answer incidents, silence targets, test channels, send reports and decide recommendations: patterns of e-mail addresses, or groups as in `group:on-call`."""
    operators: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may also approve and reject actions, halt and resume, retrain, promote and roll back, and send dead letters and answers."""
    admins: Annotated[tuple[AnyPattern, ...], Items(unique=True)] = ()
    """Accounts that may also change and remove models."""
    groups: Mapping[Slug, Annotated[tuple[AnyPattern, ...], Items(unique=True)]] = field(default_factory=dict)
    """Accounts by the name of their group: patterns of e-mail addresses."""

    def accounts(self, given: tuple[str, ...]) -> Iterator[str]:
        """The patterns of accounts that a role has, with those of its groups."""
        for one in given:
            yield from self.groups[one.removeprefix(GROUP)] if one.startswith(GROUP) else (one,)


@validator(Access, "responders", "operators", "admins", "groups")
def _groups_are_listed(access: Access) -> Faults:
    allowed = ", ".join(f"{GROUP}{name}" for name in access.groups) or "no group: none is listed"
    for role in ("responders", "operators", "admins"):
        for index, one in enumerate(getattr(access, role)):
            if one.startswith(GROUP) and one.removeprefix(GROUP) not in access.groups:
                yield Fault(f"{role}[{index}]", f"must be a pattern of accounts, or one of {allowed}", one)
