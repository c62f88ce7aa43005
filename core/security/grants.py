"""The policy of the project against the grants that the deployment makes."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from core.security.inventory import IamPolicy


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """A role on the project.

    Attributes:
        member: as in `serviceAccount:fn-api@shop.iam.gserviceaccount.com`.
        role: as in `roles/bigquery.jobUser`.
        condition: the expression under which it holds; empty where it always does.
    """

    member: str
    role: str
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.member} {self.role}" + (f" where {self.condition}" if self.condition else "")


def grant_differences(deployed: Collection[Grant], policy: IamPolicy, accounts: Collection[str]) -> list[str]:
    """What differs: grants that are missing, and grants to accounts of the deployment that it does not make.

    Args:
        deployed: that the deployment makes.
        policy: of the project, as it is.
        accounts: members that the deployment creates; what others have is their own affair.

    >>> from core.security.inventory import Binding
    >>> owner = Binding(role="roles/owner", members=("serviceAccount:fn-api@shop", "user:ada@b.c"))
    >>> grant_differences([Grant("serviceAccount:fn-api@shop", "roles/x")], IamPolicy(bindings=(owner,)), ["serviceAccount:fn-api@shop"])
    ['is not deployed: serviceAccount:fn-api@shop roles/owner', 'is missing: serviceAccount:fn-api@shop roles/x']
    """
    found = frozenset(_grants(policy))
    added = (one for one in found.difference(deployed) if one.member in accounts)
    missing = frozenset(deployed) - found
    return [f"is not deployed: {one}" for one in sorted(added)] + [f"is missing: {one}" for one in sorted(missing)]


def _grants(policy: IamPolicy) -> Iterator[Grant]:
    for binding in policy.bindings:
        yield from (Grant(member, binding.role, binding.condition) for member in binding.members)
