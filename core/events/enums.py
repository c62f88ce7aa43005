"""The enumerations that events have."""

from enum import StrEnum


class Status(StrEnum):
    """Whether a condition holds."""

    FIRING = "firing"
    RESOLVED = "resolved"


class Severity(StrEnum):
    """How bad, from least to worst; compare with `rank`."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 3 for critical."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Verb(StrEnum):
    """The verb of a command."""

    ACKNOWLEDGE = "acknowledge"
    TAKE_OVER = "take_over"
    """Another person has it from now on; also an acknowledgement where nobody had it."""
    GIVE_BACK = "give_back"
    """Nobody has it any more: escalation goes on."""
    MITIGATE = "mitigate"
    RESOLVE = "resolve"
    CANCEL = "cancel"
    """It was a false alarm: resolved, and not counted in response times."""
    REOPEN = "reopen"
    """It is not over, or was no false alarm."""
    MERGE = "merge"
    """It becomes a part of another incident."""
    SPLIT = "split"
    """It is no part of another incident any more."""
    COMMENT = "comment"
    """A note for the timeline, which changes nothing."""
    SILENCE = "silence"
    UNSILENCE = "unsilence"
    APPROVE = "approve"
    REJECT = "reject"
    HALT = "halt"
    """No action is applied from now on."""
    RESUME = "resume"
    TEST_CHANNEL = "test_channel"
    """A test message is sent through a channel."""
    SEND_REPORT = "send_report"
    """A weekly report is sent to the channels that have not got it yet."""
    SEND_AGAIN = "send_again"
    """A dead letter goes to the topic that it came from, once."""
    PROMOTE = "promote"
    """A version of a model gets its next share of the traffic."""
    ROLL_BACK = "roll_back"
    """The version of a model that was in use before has all traffic again."""


class Mode(StrEnum):
    """Whether an action may change anything."""

    DRY_RUN = "dry_run"
    ACT = "act"


class Stage(StrEnum):
    """Stage of an action."""

    PLANNED = "planned"
    """The plan is known; the end of a dry run."""
    REFUSED = "refused"
    """Not done, because."""
    AWAITING = "awaiting_approval"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    APPLIED = "applied"
    VERIFIED = "verified"
    UNDONE = "undone"
    FAILED = "failed"


class Change(StrEnum):
    """What happened to an incident."""

    OPENED = "opened"
    UPDATED = "updated"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    """Nobody has it any more."""
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    EXPIRED = "expired"
    """Its sources stopped reporting it: whether it recovered is not known."""
    MERGED = "merged"
    """It goes on as a part of another incident."""
    REOPENED = "reopened"
