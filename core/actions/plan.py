"""Plan of an action: what it would change, how the change is verified, and the reasons of decisions about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ActionReason(StrEnum):
    """Reason of a decision about an action."""

    ASKED = "asked"
    """A playbook requests it, and this is the plan."""
    DRY_RUN = "dry_run"
    """The playbook only plans: it is in dry-run mode."""

    DISABLED = "disabled"
    """The settings switch every action off."""
    HALTED = "halted"
    """A person halted this action, or all."""
    NOT_REQUESTED = "not_requested"
    """The incident's playbooks did not request it, or do not any more."""
    INCIDENT_OVER = "incident_over"
    """The incident is resolved."""
    UNKNOWN_ACTION = "unknown_action"
    """There is no action of that name."""
    NOT_POSSIBLE = "not_possible"
    """The action says that it cannot be done to this target."""
    NOTHING_TO_DO = "nothing_to_do"
    BLAST_RADIUS = "blast_radius"
    """It would touch more things than it may."""
    COOLDOWN = "cooldown"
    """The same was done to the same resource a moment ago."""
    RESOURCE_BUSY = "resource_busy"
    """Another action on the same resource has not settled yet: this one waits for it."""
    ACTION_BUDGET = "action_budget"
    """This action was applied as often as it may be in an hour."""
    TOTAL_BUDGET = "total_budget"
    """All actions together were applied as often as they may be in an hour."""
    NEEDS_APPROVAL = "needs_approval"
    NEEDS_SECOND_PERSON = "needs_second_person"
    """A person approved it; another one must, too."""
    SAME_PERSON = "same_person"
    """The person who approved it first cannot be the second one."""

    WITHIN_LIMITS = "within_limits"
    """Every guard rail allows it, and no approval is required."""
    PERSON_APPROVED = "person_approved"
    PERSON_REJECTED = "person_rejected"
    NOBODY_ANSWERED = "nobody_answered"
    """Neither approved nor rejected in time."""

    DONE = "done"
    """The external system reported success."""
    OUTSIDE_REFUSED = "outside_refused"
    """The external system refused it for good."""
    OUT_OF_TIME = "out_of_time"
    """It could not be applied in time, and later it would be obsolete."""
    HEALTHY = "healthy"
    """It is in place and works."""
    RECOVERED = "recovered"
    """It is in place, and the sources of the conditions have reported since that they recovered."""
    UNHEALTHY = "unhealthy"
    """It does not work, or did not come into place."""
    NOT_BETTER = "not_better"
    """It was done, and what came of it is not better than what was there, which stays: no failure."""
    WORSENED = "worsened"
    """The incident is worse than when it was applied."""
    NO_RECOVERY = "no_recovery"
    """It is in place, and the conditions it was for still fire: it did not help."""
    NEVER_SETTLED = "never_settled"
    """It could not be verified in time."""

    NO_SUCH_REQUEST = "no_such_request"
    ALREADY_DECIDED = "already_decided"
    NO_NAME = "no_name"
    """An approval must say whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that would change: what, from what, to what; as short texts for people."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Plan of an action. It is stored between the request and the verification.

    Attributes:
        summary: one line for people, as in `endpoint flights: 100 % of the traffic from model 7 back to model 6`.
        steps: what would change; empty where there is nothing to do, and then nothing is applied.
        touched: how many things would be touched, for the blast radius.
        resource: the full name of the one resource that is changed, the same for every target that stands for it, as in
            `//run.googleapis.com/projects/p/locations/l/services/s`; empty where nothing is changed.
        state: the state of the external system at planning, for `apply`, `verify` and `undo`: texts only.
    """

    summary: str
    steps: tuple[Step, ...] = ()
    touched: int = 0
    resource: str = ""
    state: Mapping[str, str] = field(default_factory=dict)


class Health(StrEnum):
    """Health after a change."""

    GOOD = "good"
    """The change is in place and works."""
    PENDING = "pending"
    """Not known yet; verify again later."""
    BAD = "bad"
    """The change is in place and does not work, or did not come into place and never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Result of a verification, with the reason in one line; `bad` says what it means that the health is bad."""

    health: Health
    detail: str
    bad: ActionReason = ActionReason.UNHEALTHY
