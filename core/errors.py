"""The errors of the system.

    AiaError
    ├── SettingsError        monitoring.yaml is wrong; carries every fault at once
    ├── PoisonError          a message no retry can help: parked with its reason, acknowledged
    │   └── UnknownVersionError   an event of a version newer than this code
    ├── RefusedError         a message that is read, and cannot be carried out: parked with its reason, acknowledged
    ├── QueryError           the warehouse refused a statement: names the missing table or column
    ├── ProfileError         a drift profile, or what is compared with one, is not what it must be (core.drift)
    ├── EstimateError        what an estimate is made from is not what it must be (core.business)
    │   └── TooFewCustomersError  too few customers to fit a lifetime value
    ├── ExperimentError      what an experiment is decided from is not what it must be (core.experiments)
    ├── ActionError          an action cannot be done, whenever it is tried: the outside refused it, or is not as planned
    ├── UnreadableError      what is kept in a document is not what this version writes; the others are read all the same
    ├── BackupError          a backup is missing, or cannot be restored: names the table or what differs
    ├── ConflictError        somebody else wrote the document first
    ├── BusyError            somebody else holds the claim; try again later
    └── UnavailableError     something outside does not answer; try again later
        ├── DeadlineError    the time of the request is over: no call says anything about who was called
        ├── QuotaError       a quota of the cloud is used up; try again later, and tell people
        └── LimitedError     a limit on how often it may be asked is reached; try again at a known instant

A function answers a `PoisonError` or a `RefusedError` with success (the message is parked) and every other error with a failure, so that
Pub/Sub delivers again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


class AiaError(Exception):
    """The root of all errors of this system."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in the settings.

    Attributes:
        path: where, as in `models[2].reference.days`.
        allowed: what would be right, as in `must be 1 to 365`.
        given: the offending value.
    """

    path: str
    allowed: str
    given: Any = None

    def __str__(self) -> str:
        return f"{self.path}: {self.allowed}, got {self.given!r}"


class SettingsError(AiaError):
    """The settings are wrong; `faults` lists every reason."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


class PoisonError(AiaError):
    """A message that no retry can help."""


class UnknownVersionError(PoisonError):
    """An event of a version this code does not know: parked, not guessed."""


class RefusedError(AiaError):
    """A message that can be read, and that a limit forbids to carry out."""


class QueryError(AiaError):
    """The warehouse refused a statement, and would refuse it again."""


class ActionError(AiaError):
    """An action cannot be done; the message says what refused it and why."""


class ExperimentError(AiaError, ValueError):
    """What an experiment is decided from is not what it must be; the message names the argument and the value."""


class UnreadableError(AiaError):
    """A document does not hold what it must; whoever reads several passes it over and says so."""


class BackupError(AiaError):
    """A backup is missing, or cannot be restored."""


class ConflictError(AiaError):
    """A document was changed by somebody else in the meantime."""


class BusyError(AiaError):
    """Somebody else holds the claim on this piece of work."""


class UnavailableError(AiaError):
    """Something outside does not answer; the message names it."""


class DeadlineError(UnavailableError):
    """The time of the request at hand is over; what it is about is delivered again."""


class QuotaError(UnavailableError):
    """A cloud quota is exhausted: it may recover, or a person may have to raise it."""


class LimitedError(UnavailableError):
    """A limit on how often something may be asked is reached: ours, or one it told us; `until` is when to try again."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until
