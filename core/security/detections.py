"""The registry of detections over the audit log."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from core.patterns import any_matches
from core.security import changes, reads, sign_in
from core.security.entry import AuditEntry
from core.security.marks import MOST, Mark, Marks
from core.security.places import Places
from core.security.signal import Signal
from core.settings import ActionName, DetectionName, SecuritySettings

_DOCS = "https://cloud.google.com"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a detection remembers of earlier entries.

    Attributes:
        name: of the memory; detections with the same share it.
        subject: about whom or what an entry is remembered; empty where it is not.
        mark: what is remembered of it.
        keep: for how long.
        most: marks at most.
        condense: makes fewer marks of them.
    """

    name: str
    subject: Callable[[AuditEntry], str]
    mark: Callable[[AuditEntry], Mark]
    keep: timedelta
    most: int = MOST
    condense: Callable[[Marks], Marks] | None = None


Judge = Callable[[AuditEntry, Marks, SecuritySettings, Places], Iterable[Signal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """A detection.

    Attributes:
        name: the kind of its findings.
        technique: of MITRE ATT&CK (https://attack.mitre.org/techniques/).
        documentation: of the format that it reads.
        judge: the signals of an entry.
        memory: what it remembers; None where an entry says all.
        lasts: whether it lasts until the log shows that it was taken back; else it is an event, over when it is not repeated.
        action: the automated action of a playbook that answers it, if any.
    """

    name: DetectionName
    technique: str
    documentation: str
    judge: Judge
    memory: Memory | None = None
    lasts: bool = False
    action: ActionName | None = None

    @property
    def runbook(self) -> str:
        """The section of the runbooks."""
        return f"security.md#{self.name}"


def _of_change(judge: Callable[[AuditEntry, SecuritySettings], Iterable[Signal]]) -> Judge:
    """A detection that needs no memory."""

    def judged(entry: AuditEntry, _marks: Marks, settings: SecuritySettings, _places: Places) -> Iterable[Signal]:
        return judge(entry, settings)

    return judged


_SIGN_IN = f"{_DOCS}/logging/docs/audit/gsuite-login-samples"
_POLICY = f"{_DOCS}/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditData"
_ALL = (
    Detection(
        name=DetectionName.BRUTE_FORCE,
        technique="T1110.001",
        documentation=_SIGN_IN,
        judge=sign_in.brute_force,
        memory=Memory(name="failures", subject=sign_in.failed_account, mark=sign_in.by_address, keep=2 * _DAY),
    ),
    Detection(
        name=DetectionName.PASSWORD_SPRAYING,
        technique="T1110.003",
        documentation=_SIGN_IN,
        judge=sign_in.password_spraying,
        memory=Memory(name="sprayed", subject=sign_in.failing_address, mark=sign_in.by_account, keep=2 * _DAY),
    ),
    Detection(
        name=DetectionName.IMPOSSIBLE_TRAVEL,
        technique="T1078.004",
        documentation=_SIGN_IN,
        judge=sign_in.impossible_travel,
        memory=Memory(
            name="sign-ins", subject=sign_in.signed_in_account, mark=sign_in.by_address, keep=7 * _DAY, most=100
        ),
    ),
    Detection(
        name=DetectionName.PRIVILEGE_GRANT,
        technique="T1098.003",
        documentation=_POLICY,
        judge=_of_change(changes.privilege_grants),
        lasts=True,
    ),
    Detection(
        name=DetectionName.CREDENTIAL_CREATED,
        technique="T1098.001",
        documentation=f"{_DOCS}/iam/docs/audit-logging/examples-service-accounts",
        judge=_of_change(changes.credentials_created),
        lasts=True,
        action=ActionName.REVOKE_ACCESS,
    ),
    Detection(
        name=DetectionName.EXFILTRATION,
        technique="T1213.006",
        documentation=f"{_DOCS}/bigquery/docs/reference/auditlogs/rest/Shared.Types/BigQueryAuditMetadata",
        judge=reads.exfiltration,
        memory=Memory(
            name="reads",
            subject=reads.reading_account,
            mark=reads.read_bytes,
            keep=28 * _DAY,
            condense=reads.by_day,
        ),
        action=ActionName.REVOKE_ACCESS,
    ),
    Detection(
        name=DetectionName.PUBLIC_ACCESS,
        technique="T1530",
        documentation=f"{_DOCS}/storage/docs/audit-logging",
        judge=_of_change(changes.public_access),
        lasts=True,
    ),
    Detection(
        name=DetectionName.FIREWALL_OPENED,
        technique="T1562.007",
        documentation=f"{_DOCS}/compute/docs/logging/audit-logging",
        judge=_of_change(changes.firewalls_opened),
        lasts=True,
    ),
    Detection(
        name=DetectionName.AUDIT_LOGGING_OFF,
        technique="T1562.008",
        documentation=f"{_DOCS}/logging/docs/audit/configure-data-access",
        judge=_of_change(changes.audit_logging_off),
        lasts=True,
    ),
    Detection(
        name=DetectionName.SECRET_ACCESS,
        technique="T1555.006",
        documentation=f"{_DOCS}/secret-manager/docs/audit-logging",
        judge=reads.secret_access,
        memory=Memory(
            name="readers",
            subject=reads.secret_read,
            mark=sign_in.by_account,
            keep=reads.READER_MEMORY,
            condense=reads.by_reader,
        ),
        action=ActionName.REVOKE_ACCESS,
    ),
)
DETECTIONS: Mapping[DetectionName, Detection] = MappingProxyType({one.name: one for one in _ALL})
"""By their names."""


def signals(
    detection: Detection, entry: AuditEntry, marks: Marks, settings: SecuritySettings, places: Places
) -> Iterator[Signal]:
    """What an entry means by a detection; what the settings expect of who acted is no finding.

    Args:
        detection: the detection.
        entry: the entry.
        marks: what is remembered, this entry included; none where the detection remembers nothing.
        settings: the settings.
        places: of networks.
    """
    is_expected = any_matches(settings.expected.get(detection.name, ()), entry.principal)
    yield from (one for one in detection.judge(entry, marks, settings, places) if not (one.bad and is_expected))
