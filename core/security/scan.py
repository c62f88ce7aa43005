"""The checks of the security scan: who has access, how old keys are, and advisories on packages."""

from datetime import timedelta
from enum import StrEnum
from functools import partial

from core.events import Severity
from core.maintenance.checks import Check

_check = partial(Check, runbook="security.md", no_verdict_after=timedelta(days=6))
"""From one scan to the next are seven days."""


class ScanKind(StrEnum):
    """The kinds of findings of the scan."""

    IAM_EXPOSURE = "iam_exposure"
    OLD_KEY = "old_key"
    VULNERABLE_DEPENDENCY = "vulnerable_dependency"


CHECKS = {
    one.kind: one
    for one in (
        _check(
            kind=ScanKind.IAM_EXPOSURE,
            target="compliance/iam-policy",
            what="roles that everybody has",
            severity=Severity.ERROR,
        ),
        _check(kind=ScanKind.OLD_KEY, target="compliance/service-account-keys", what="old keys of service accounts"),
        _check(kind=ScanKind.VULNERABLE_DEPENDENCY, target="compliance/dependencies", what="packages with advisories"),
    )
}
