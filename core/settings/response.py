"""How findings become incidents, their impact, and automated actions: rules, impact, playbooks, guard rails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from core.errors import Fault
from core.events import Mode, Severity
from core.settings.declare import Faults, validator
from core.settings.kinds import (
    AnyPattern,
    Dollars,
    LocalSchedule,
    ServiceAccount,
    Share,
    Slug,
    Target,
    TargetPattern,
    TimeZone,
)
from core.settings.network import Authority, SecureOrigin, Server
from core.settings.notes import (
    Default,
    Defines,
    Excludes,
    Items,
    Key,
    Mark,
    NoneAs,
    Pattern,
    Range,
    Reads,
    Requires,
    Short,
)
from core.settings.people import Category, When
from core.settings.reader import Node
from core.settings.values import word


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How findings become incidents."""

    reopen_within: Annotated[timedelta, Range("0s", "7d")] = timedelta(minutes=30)
    """A condition that fires within this time after the resolution reopens the incident; later it opens a new one."""
    reopen_resolved: Annotated[timedelta, Range("1m", "7d")] = timedelta(minutes=15)
    """An incident that a person resolved reopens when its conditions still fire after this time."""
    acknowledgement_timeout: Annotated[timedelta | None, Range("5m", "7d"), NoneAs("never")] = None
    """An acknowledgement expires after this time: an incident that is not mitigated or resolved by then is open again, and escalation
    goes on."""
    join_within: Annotated[timedelta, Range("0s", "1d")] = timedelta(minutes=15)
    """Conditions of targets that depend on each other join one incident if they start to fire within this time."""
    settle: Annotated[timedelta, Range("0s", "1h")] = timedelta(minutes=1)
    """For this time nobody is notified of the opposite of their last notification, and longer with every flap; a first page is
    never held back."""
    calm_after: Annotated[timedelta, Range("1m", "1d")] = timedelta(minutes=30)
    """Of an incident that flaps, people are not notified again until it has stayed off, or stayed on, for this time; not longer than
    `reopen_within`."""
    summary_every: Annotated[timedelta, Range("1h", "30d")] = timedelta(days=1)
    """Interval at which a condition that keeps firing is added to the timeline."""
    resolve_after: Annotated[timedelta, Range("1h", "365d")] = timedelta(days=14)
    """A condition without findings for this time is resolved."""
    # A wrong clock would else keep every later observation of its condition from being seen.
    ahead: Annotated[timedelta, Range("0s", "1h")] = timedelta(minutes=5)
    """How far in the future an observation may be; a later one gets the time of its arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Findings that match all given patterns get this category and, if given, this severity."""

    target: Annotated[AnyPattern, Key("when", "target")] = "*"
    """Pattern of targets, as in `model/*`."""
    kind: Annotated[AnyPattern, Key("when", "kind")] = "*"
    """Pattern of kinds, as in `*latency*`."""
    source: Annotated[AnyPattern, Key("when", "source")] = "*"
    """Pattern of sources."""
    severity: Annotated[frozenset[Severity], Key("when", "severity"), Items(at_least=1)] = frozenset(Severity)
    """Original severities of the finding."""
    category: Category
    """New category."""
    becomes: Annotated[Severity | None, Key("severity"), Default("the one it came with")] = None
    """New severity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """Revenue that depends on a target."""

    dollars_per_hour: Dollars
    """Best estimate."""
    uncertainty: Share = 0.25
    """Half width of the 90% interval, as a share of the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactPolicy:
    """Estimation of the revenue at risk."""

    at_risk: Annotated[Mapping[Severity, Share], Mark.MERGED] = field(
        default_factory=lambda: {
            Severity.INFO: 0.0,
            Severity.WARNING: 0.1,
            Severity.ERROR: 0.5,
            Severity.CRITICAL: 1.0,
        }
    )
    """Share of the affected revenue that is at risk, by severity."""
    raises: Annotated[Mapping[Severity, Dollars], Key("raise")] = field(default_factory=dict)
    """Impact from which an incident has at least this severity (not `info`); it must increase with the severity."""
    max_age: Annotated[timedelta, Range("1h", "2d")] = timedelta(hours=6)
    """Usual revenue that was computed longer ago is not known: `revenue` counts instead."""


@validator(ImpactPolicy, "raises")
def _more_is_needed_for_a_higher_severity(policy: ImpactPolicy) -> Faults:
    raises = policy.raises
    if Severity.INFO in raises:
        yield Fault("raise.info", "must not be given: every incident is at least that", raises[Severity.INFO])
    given = [severity for severity in (Severity.WARNING, Severity.ERROR, Severity.CRITICAL) if severity in raises]
    for less, more in pairwise(given):
        if raises[more] <= raises[less]:
            allowed = f"must be more than that of {less}, which is {raises[less]:g}"
            yield Fault(f"raise.{more}", allowed, raises[more])


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A maintenance window: notifications of these targets are muted."""

    name: Annotated[Slug, Defines("maintenance")]
    """Name of the window."""
    targets: Annotated[tuple[TargetPattern, ...], Items(at_least=1)]
    """Patterns of targets, as in `model/*`."""
    duration: Annotated[timedelta, Range("1m", "30d")]
    """Length of the window."""
    start: Annotated[datetime | None, Excludes("schedule")] = None
    """Start; either this or `schedule` is required."""
    schedule: LocalSchedule = ""
    """Starts of a recurring window."""
    time_zone: TimeZone = "UTC"
    """Time zone of `schedule`."""
    reason: str = ""
    """Reason, for people."""


@validator(Maintenance, "start", "schedule")
def _it_starts_once_or_again_and_again(maintenance: Maintenance) -> Faults:
    if maintenance.start is None and not maintenance.schedule:
        yield Fault("start", "must be given, or schedule must")


class ActionName(StrEnum):
    """The automated responses there are."""

    RESTART_SERVICE = "restart_service"
    SCALE_OUT = "scale_out"
    SCALE_IN = "scale_in"
    ROLLBACK_MODEL = "rollback_model"
    SHIFT_TRAFFIC = "shift_traffic"
    RETRAIN_MODEL = "retrain_model"
    CANCEL_PIPELINE = "cancel_pipeline"
    RERUN_PIPELINE = "rerun_pipeline"
    FLUSH_CACHE = "flush_cache"
    REVOKE_ACCESS = "revoke_access"
    COLLECT_DIAGNOSTICS = "collect_diagnostics"


RUNGS_LIMIT = 10
"""Actions of a playbook."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action of a playbook."""

    action: ActionName
    """The action."""
    target: Annotated[Target, Default("the incident's root")] = ""
    """The target it acts on."""


def _mode(node: Node) -> Mode:
    return Mode(word(node.value, ("dry_run", "dry-run", "act")).replace("-", "_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """The automated actions for a class of incidents: requested when one opens or reopens, and again when its severity rises."""

    name: Annotated[Slug, Defines("playbook")]
    """Name of the playbook."""
    when: When
    """Which incidents match; `{}` for all."""
    do: Annotated[
        tuple[Annotated[Deed, Short("action", "must be an action, or a mapping of action and target")], ...],
        Items(at_least=1, unique=True),
    ]
    """The actions, 10 at most: each by its name, or as `{action, target}`. Each is requested when the one before did not help."""
    mode: Annotated[Mode, Reads(_mode, "`dry_run` (or `dry-run`), `act`", {"enum": ["dry_run", "dry-run", "act"]})] = (
        Mode.DRY_RUN
    )
    """`dry_run` shows what would change and changes nothing."""


@validator(Playbook, "do")
def _not_too_many_actions(playbook: Playbook) -> Faults:
    if len(playbook.do) > RUNGS_LIMIT:
        yield Fault("do", f"must have {RUNGS_LIMIT} actions at most", len(playbook.do))


_OWN = Default("the action's own")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The guard rails of one action; None for the action's default (`core.actions.guards`)."""

    cooldown: Annotated[timedelta | None, Range("0s", "30d"), _OWN] = None
    """Minimum time between two of them on the same resource, whichever target stands for it."""
    per_hour: Annotated[int | None, Range(0, 100, "actions"), _OWN] = None
    """Maximum per hour, on all targets together; 0 for never."""
    approval: Annotated[bool | None, _OWN] = None
    """Whether a person must approve each action."""
    blast_radius: Annotated[int | None, Range(1, 10_000_000), _OWN] = None
    """Maximum number of affected objects per action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """The guard rails of all actions together."""

    enabled: bool = True
    """Whether actions are applied; people can also halt them at runtime."""
    per_hour: Annotated[int, Range(0, 100, "actions")] = 10
    """Maximum number of actions per hour, without those that only read."""
    approval_expires: Annotated[timedelta, Range("1m", "7d")] = timedelta(minutes=30)
    """Time until an approval expires."""
    verify_after: Annotated[timedelta, Range("0s", "1d")] = timedelta(minutes=2)
    """Time until an action is verified."""
    helps_within: Annotated[timedelta, Range("1m", "1d")] = timedelta(minutes=10)
    """Time within which the conditions must recover, or the action did not help."""
    limits: Mapping[ActionName, Limits] = field(default_factory=dict)
    """Guard rails of single actions."""


_PROJECT = r"projects/(?:[a-z][a-z0-9-]{4,28}[a-z0-9]|[0-9]{6,20})/locations/[a-z][a-z0-9-]{1,40}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """The cloud resources of a target, which actions act on; empty if there is none."""

    service: Annotated[
        str,
        Pattern(
            rf"{_PROJECT}/services/[a-z](?:[a-z0-9-]{{0,47}}[a-z0-9])?", "must be projects/P/locations/L/services/S"
        ),
    ] = ""
    """Cloud Run service."""
    endpoint: Annotated[
        str, Pattern(rf"{_PROJECT}/endpoints/[a-z0-9-]{{1,63}}", "must be projects/P/locations/L/endpoints/E")
    ] = ""
    """Vertex AI endpoint."""
    deployment: Annotated[
        str,
        Pattern(
            r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", "must be NAMESPACE/NAME"
        ),
        Requires("cluster"),
    ] = ""
    """Deployment of a GKE cluster."""
    cluster: Annotated[SecureOrigin, Requires("deployment")] = ""
    """Address of the control plane of that cluster."""
    ca: Annotated[Authority | None, Requires("cluster"), Default("those of the machine")] = None
    """Certificate authority of that cluster (`masterAuth.clusterCaCertificate`); none is needed for its DNS endpoint."""
    pipeline: Annotated[
        str,
        Pattern(r'[^"\\\x00-\x1f\x7f]{1,128}', 'must be a display name of 1 to 128 characters, without " and \\'),
        Requires("location"),
    ] = ""
    """Display name of Vertex AI pipeline jobs."""
    location: Annotated[str, Pattern(_PROJECT, "must be projects/P/locations/L"), Requires("pipeline")] = ""
    """Location of those jobs."""
    redis: Server = ""
    """Redis server of a cache."""
    prefix: Annotated[
        str,
        Pattern(r"[!-)+->@-Z^-~]{1,200}", "must be the beginning of keys: no space, and none of * ? [ ] \\"),
        Requires("redis"),
        Default("every key"),
    ] = ""
    """Prefix of the cache's keys that may be flushed; no pattern."""
    service_account: ServiceAccount = ""
    """Service account; its keys may be disabled."""
    logs: Annotated[str, Pattern(r"[\s\S]{1,2000}", "must be a filter of Cloud Logging of 1 to 2000 characters")] = ""
    """Cloud Logging filter for diagnostics."""


SCALED = ("service", "endpoint", "deployment")
"""The resources that have replicas; of a target with several, the first is scaled."""
ACTS_ON: Mapping[ActionName, tuple[str, ...]] = {
    ActionName.RESTART_SERVICE: ("service",),
    ActionName.SCALE_OUT: SCALED,
    ActionName.SCALE_IN: SCALED,
    ActionName.ROLLBACK_MODEL: ("endpoint",),
    ActionName.SHIFT_TRAFFIC: ("endpoint",),
    ActionName.CANCEL_PIPELINE: ("pipeline",),
    ActionName.RERUN_PIPELINE: ("pipeline",),
    ActionName.FLUSH_CACHE: ("redis",),
    ActionName.REVOKE_ACCESS: ("service_account",),
    ActionName.COLLECT_DIAGNOSTICS: ("logs",),
}
"""The resource that an action acts on, the first that there is of several; retraining acts on the model itself."""


def lacks(deed: Deed, resource: Resource) -> str:
    """What the target of an action must be and is not; empty where it is right."""
    if deed.action is ActionName.RETRAIN_MODEL:
        return "" if deed.target.startswith("model/") else "must be a model, for retrain_model"
    needs = ACTS_ON[deed.action]
    if any(getattr(resource, need) for need in needs):
        return ""
    return f"must be a target whose resources name a {' or '.join(needs)}, for {deed.action}"
