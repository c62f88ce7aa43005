"""An entry of the audit log, as far as detections read it.

The format is that of Cloud Logging's `LogEntry` (https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry) with an `AuditLog` as
`protoPayload` (https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditLog).
"""

from dataclasses import dataclass
from datetime import datetime

PUBLIC = ("allUsers", "allAuthenticatedUsers")
"""Members that stand for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingDelta:
    """A role that a member gets or loses (`google.iam.v1.BindingDelta`).

    Attributes:
        added: whether it is granted; else it is taken away.
        role: as in `roles/owner`.
        member: as in `user:ada@example.com`.
    """

    added: bool
    role: str
    member: str

    @property
    def account(self) -> str:
        """The member without its kind, as in `ada@example.com`."""
        return self.member.partition(":")[2] or self.member


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditConfigDelta:
    """A change of what is logged (`google.iam.v1.AuditConfigDelta`).

    Attributes:
        added: whether it is added.
        service: whose data access is logged, as in `storage.googleapis.com` or `allServices`.
        log_type: as in `DATA_READ`.
        exempted: the member whose access is not logged; empty for what holds of all.
    """

    added: bool
    service: str
    log_type: str
    exempted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallRule:
    """What a call says of a firewall rule; None where it leaves that as it is.

    Attributes:
        ranges: sources, as in `10.0.0.0/8`.
        ingress: whether it is about traffic from outside.
        allows: whether it allows anything.
        disabled: whether it has no effect.
    """

    ranges: tuple[str, ...] | None = None
    ingress: bool | None = None
    allows: bool | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """An entry.

    Attributes:
        id: `insertId`; with the instant and the log unique.
        at: when it happened.
        log: `activity`, `data_access`, `system_event` or `policy`.
        principal: who acted, an e-mail address; empty where the log does not say.
        method: as in `SetIamPolicy`.
        service: as in `iam.googleapis.com`.
        resource: as in `projects/shop/topics/orders`.
        project: of the resource; empty for what belongs to an organisation.
        address: of the caller; empty where the log does not say.
        succeeded: whether the call did what it asked for.
        bindings: roles that are granted or taken away.
        audit_configs: changes of what is logged.
        firewall: of a call about a firewall rule.
        sink_disabled: of a call that writes a sink: whether it is switched off.
        key: name of the service account's key that is made, in full.
        job: of a finished job of BigQuery, its name.
        bytes_read: that it processed.
    """

    id: str
    at: datetime
    log: str
    principal: str
    method: str
    service: str
    resource: str
    project: str = ""
    address: str = ""
    succeeded: bool = True
    bindings: tuple[BindingDelta, ...] = ()
    audit_configs: tuple[AuditConfigDelta, ...] = ()
    firewall: FirewallRule | None = None
    sink_disabled: bool | None = None
    key: str = ""
    job: str = ""
    bytes_read: int = 0

    @property
    def short_method(self) -> str:
        """The last word of the method: `google.iam.admin.v1.CreateServiceAccountKey` is `CreateServiceAccountKey`."""
        return self.method.rpartition(".")[2]
