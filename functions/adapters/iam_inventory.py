"""What IAM grants in a project: its policy, and the keys of its service accounts that people made.

https://cloud.google.com/resource-manager/reference/rest/v3/projects/getIamPolicy
https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts/list
https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.keys/list
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import msgspec

from core.security.inventory import AuditConfig, Binding, IamPolicy, ServiceAccountKey
from functions.adapters.json_api import PATIENCE, JsonApi, authorized

if TYPE_CHECKING:
    import requests

RESOURCE_MANAGER = "https://cloudresourcemanager.googleapis.com"
IAM = "https://iam.googleapis.com"
_USER_MANAGED = "USER_MANAGED"
_POLICY_VERSION = 3
"""The version that has conditional bindings."""


class _Log(msgspec.Struct, rename="camel"):
    log_type: str
    exempted_members: tuple[str, ...] = ()


class _AuditConfig(msgspec.Struct, rename="camel"):
    service: str
    audit_log_configs: tuple[_Log, ...] = ()


class _Condition(msgspec.Struct, frozen=True):
    expression: str = ""


class _Binding(msgspec.Struct):
    role: str
    members: tuple[str, ...] = ()
    condition: _Condition = _Condition()


class PolicyDocument(msgspec.Struct, rename="camel"):
    """A policy, as the API and `gcloud` write it."""

    bindings: tuple[_Binding, ...]
    audit_configs: tuple[_AuditConfig, ...] = ()

    def policy(self) -> IamPolicy:
        """The policy."""
        return IamPolicy(
            bindings=tuple(
                Binding(role=one.role, members=one.members, condition=one.condition.expression) for one in self.bindings
            ),
            audit_configs=tuple(map(_audit_config, self.audit_configs)),
        )


class KeyDocument(msgspec.Struct, rename="camel"):
    """A key, as the API and `gcloud` write it."""

    name: str
    valid_after_time: Annotated[datetime, msgspec.Meta(tz=True)]
    key_type: str = _USER_MANAGED
    disabled: bool = False

    @property
    def counts(self) -> bool:
        """Whether a person made it, and it can be used."""
        return self.key_type == _USER_MANAGED and not self.disabled

    def key(self) -> ServiceAccountKey:
        """The key."""
        return ServiceAccountKey(name=self.name, made_at=self.valid_after_time)


class _Account(msgspec.Struct):
    name: str


class _Accounts(msgspec.Struct, rename="camel"):
    accounts: tuple[_Account, ...] = ()
    next_page_token: str = ""


class _Keys(msgspec.Struct):
    keys: tuple[KeyDocument, ...] = ()


class IamInventory:
    """Reads what IAM grants in a project.

    Args:
        project: its id.
        open_session: opens the HTTP session at the first request.
        resource_manager: URL of the API of projects.
        iam: URL of the API of service accounts.
        patience: seconds that one request may take.
    """

    def __init__(
        self,
        project: str,
        open_session: Callable[[], "requests.Session"],
        *,
        resource_manager: str = RESOURCE_MANAGER,
        iam: str = IAM,
        patience: float = PATIENCE,
    ) -> None:
        self._project = project
        self._projects = JsonApi("Resource Manager", open_session, url=resource_manager, patience=patience)
        self._iam = JsonApi("IAM", open_session, url=iam, patience=patience)

    def policy(self) -> IamPolicy:
        """The policy of the project itself, without what folders and the organisation grant.

        Raises:
            QueryError: the API refuses: it is not enabled, or a permission is missing.
            UnavailableError: it does not answer, is asked too often, or answers nonsense.
        """
        path = f"/v3/projects/{self._project}:getIamPolicy"
        body = {"options": {"requestedPolicyVersion": _POLICY_VERSION}}
        return self._projects.post(path, PolicyDocument, body, of=f"the policy of {self._project}").policy()

    def keys(self) -> tuple[ServiceAccountKey, ...]:
        """The keys that people made and that can be used, of every service account of the project.

        Raises:
            QueryError: the API refuses: it is not enabled, or a permission is missing.
            UnavailableError: it does not answer, is asked too often, or answers nonsense.
        """
        parameters = {"keyTypes": _USER_MANAGED}
        return tuple(
            key.key()
            for account in self._accounts()
            for key in self._iam.get(f"/v1/{account}/keys", _Keys, parameters).keys
            if key.counts
        )

    def _accounts(self) -> Iterator[str]:
        path = f"/v1/projects/{self._project}/serviceAccounts"
        yield from (account.name for page in self._iam.pages(path, _Accounts) for account in page.accounts)


def connect(project: str) -> IamInventory:
    """Google's own, with the credentials of the environment."""
    return IamInventory(project, authorized)


def _audit_config(found: _AuditConfig) -> AuditConfig:
    logs = found.audit_log_configs
    return AuditConfig(
        service=found.service,
        log_types=frozenset(one.log_type for one in logs),
        exempted=tuple(member for one in logs for member in one.exempted_members),
    )
