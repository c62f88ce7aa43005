"""How findings become incidents, what those cost, and what is done by itself: rules, impact, playbooks, guard rails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from core.events import Mode, Severity
from core.settings.people import Category, When


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How findings become incidents.

    Attributes:
        reopen_within: a firing this soon after the resolution reopens the incident, a later one opens a new incident.
        join_within: a fault joins the incident of what it depends on, or of what depends on it, when they fire at the
            same time or no further apart than this.
        settle: after people were told something they are not told the opposite for so long, and longer with every flap;
            a first page is never held back.
        summary_every: how often a condition that goes on firing is written to the timeline.
        resolve_after: an incident of which nothing was heard for so long is resolved.
        ahead: how far an observation may lie in the future; one further ahead (a wrong clock) counts as made when it
            came, or it would keep every later one of its condition from being seen.
    """

    reopen_within: timedelta = timedelta(minutes=30)
    join_within: timedelta = timedelta(minutes=15)
    settle: timedelta = timedelta(minutes=1)
    summary_every: timedelta = timedelta(days=1)
    resolve_after: timedelta = timedelta(days=14)
    ahead: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Findings that match everything that is given have this category and, if given, this severity.

    Attributes:
        target: a pattern of targets, as in `model/*`.
        kind: a pattern of kinds, as in `*latency*`.
        source: a pattern of sources.
        severity: that the finding came with, one of them.
        category: what it is then.
        becomes: the severity it has then, or None for the one it came with.
    """

    target: str = "*"
    kind: str = "*"
    source: str = "*"
    severity: frozenset[Severity] = frozenset(Severity)
    category: Category
    becomes: Severity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revenue:
    """What a target earns while it works.

    Attributes:
        dollars_per_hour: the best estimate.
        uncertainty: the half width of its 90 % interval as a share of it, 0 to 1.
    """

    dollars_per_hour: float
    uncertainty: float = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactPolicy:
    """What a fault puts at risk.

    Attributes:
        at_risk: the share of the revenue of everything affected that is at risk, 0 to 1, by severity.
        raises: from so many dollars an hour on an incident is at least of that severity.
    """

    at_risk: Mapping[Severity, float] = field(
        default_factory=lambda: {
            Severity.INFO: 0.0,
            Severity.WARNING: 0.1,
            Severity.ERROR: 0.5,
            Severity.CRITICAL: 1.0,
        }
    )
    raises: Mapping[Severity, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """A time in which nobody is told of these targets.

    Attributes:
        name: of the window.
        targets: patterns, as in `model/*`.
        start: its first instant, in UTC, for one that happens once; else None.
        schedule: the cron expression (UTC) of its first instants, for one that happens again and again; else empty.
        duration: how long it is.
        reason: for people.
    """

    name: str
    targets: tuple[str, ...]
    duration: timedelta
    start: datetime | None = None
    schedule: str = ""
    reason: str = ""


class ActionName(StrEnum):
    """The automated responses there are."""

    RESTART_SERVICE = "restart_service"
    SCALE_OUT = "scale_out"
    ROLLBACK_MODEL = "rollback_model"
    SHIFT_TRAFFIC = "shift_traffic"
    RETRAIN_MODEL = "retrain_model"
    CANCEL_PIPELINE = "cancel_pipeline"
    RERUN_PIPELINE = "rerun_pipeline"
    FLUSH_CACHE = "flush_cache"
    REVOKE_ACCESS = "revoke_access"
    COLLECT_DIAGNOSTICS = "collect_diagnostics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One action of a playbook: on this target, or on the incident's root where none is given."""

    action: ActionName
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What is done about a class of incidents by itself, once when one opens or reopens, and again when it worsens.

    Attributes:
        name: of the playbook.
        when: which incidents.
        do: the actions, in order.
        mode: whether they may change anything.
    """

    name: str
    when: When
    do: tuple[Deed, ...]
    mode: Mode = Mode.DRY_RUN


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The guard rails of one action; None for what the action says of itself (`core.actions.traits`).

    Attributes:
        cooldown: the least time between two on the same target.
        per_hour: how many in any hour, on all targets together.
        approval: whether a person must approve each.
        blast_radius: how many things one of them may touch.
    """

    cooldown: timedelta | None = None
    per_hour: int | None = None
    approval: bool | None = None
    blast_radius: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """The guard rails of all actions together.

    Attributes:
        enabled: the switch that the settings hold; there is another that people throw while it runs.
        per_hour: how many actions in any hour.
        approval_expires: how long an approval is waited for.
        verify_after: how long after an action it is looked at.
        limits: of single actions, by their names.
    """

    enabled: bool = True
    per_hour: int = 10
    approval_expires: timedelta = timedelta(minutes=30)
    verify_after: timedelta = timedelta(minutes=2)
    limits: Mapping[ActionName, Limits] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """What a target is in the cloud: what actions act on. What does not exist is empty.

    Attributes:
        service: a Cloud Run service, `projects/P/locations/L/services/S`.
        endpoint: a Vertex AI endpoint, `projects/P/locations/L/endpoints/E`.
        pipeline: the display name of Vertex AI pipeline jobs, with `location`.
        location: `projects/P/locations/L`, for `pipeline`.
        redis: `host:port` or `host:port/database` of a cache.
        prefix: the beginning of the cache's keys that may be flushed; every key where it is empty.
        service_account: an e-mail address; its keys may be disabled.
        logs: a filter of Cloud Logging for what diagnostics collect.
    """

    service: str = ""
    endpoint: str = ""
    pipeline: str = ""
    location: str = ""
    redis: str = ""
    prefix: str = ""
    service_account: str = ""
    logs: str = ""
