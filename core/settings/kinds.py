"""The kinds of values that several sections have."""

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from core.settings import cron
from core.settings.notes import Pattern, Range, Reads
from core.settings.reader import Node, WrongError, perhaps
from core.settings.values import matching

TARGETS = (
    *("model", "probe", "table", "pipeline", "endpoint", "service", "stream", "cache", "account", "function"),
    *("dataset", "queue", "topic", "database", "deployment", "statefulset", "daemonset", "pod", "node", "host"),
    "instance",
    "partner",
    "metric",
    "sender",
)
"""The kinds of targets that the settings may name: also those that only foreign alerts are about."""
_DEFINED = ("model", "probe", "partner")
"""Those that must be in the settings."""

_SLUG = Pattern(
    # Longer ones do not fit into the targets of findings, nor into patterns of targets.
    r"(?=.{1,100}$)[a-z][a-z0-9]*(?:-[a-z0-9]+)*",
    "must be a name of at most 100 small letters, digits and single dashes, as in 'flight-delay'",
)
_TABLE = Pattern(
    r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,128}\.[A-Za-z0-9_]{1,128}",
    "must be 'dataset.table' or 'project.dataset.table': letters, digits and underscores",
)
_NAME = Pattern(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,159}", "must be of letters, digits and _ . : @ -")
_TARGET_PATTERN = Pattern(
    r"[^\x00-\x1f\x7f?\[\]\\^$|]{1,200}",
    "must be a pattern: a text in which * stands for any text, without ? [ ] \\ ^ $ |",
)
_NAMES = {"model": _SLUG, "probe": _SLUG, "partner": _SLUG, "table": _TABLE}


def _schedule(node: Node) -> str:
    if not isinstance(node.value, str):
        raise WrongError("must be a cron expression of five fields")
    if fault := cron.fault(node.value):
        raise WrongError(f"must be a cron expression: {fault}")
    return node.value


def _time_zone(node: Node) -> str:
    zones = _time_zones()
    if not isinstance(node.value, str) or node.value not in zones:
        near = perhaps(node.value, sorted(zones)) if isinstance(node.value, str) else ""
        raise WrongError(f"must be the name of an IANA time zone, as in 'Europe/Berlin'{near}")
    return node.value


@cache
def _time_zones() -> frozenset[str]:
    """Those of the database; the file of the machine's own is none that others know."""
    return frozenset(available_timezones()) - {"localtime", "Factory"}


def _target(node: Node) -> str:
    kind, separator, name = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    if not separator or kind not in TARGETS:
        raise WrongError(f"must be a target: kind/name, the kind one of {', '.join(TARGETS)}")
    try:
        matching(name, _NAMES.get(kind, _NAME))
    except WrongError as error:
        raise WrongError(f"must be a target {kind}/name, whose name {error.allowed}") from error
    if kind in _DEFINED:
        node.reader.refer(node.path, (kind,), name)
    return f"{kind}/{name}"


def _targets(node: Node) -> str:
    given = matching(node.value, _TARGET_PATTERN)
    kind, _, name = given.partition("/")
    if "*" not in given and kind in _DEFINED:
        node.reader.refer(node.path, (kind,), name)
    return given


Slug = Annotated[str, _SLUG]
"""A name."""
Job = Annotated[
    str,
    Pattern(
        r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*",
        "must be a name of small letters, digits and single underscores, as in 'drift_score'",
    ),
]
Column = Annotated[
    str,
    Pattern(
        r"[A-Za-z_][A-Za-z0-9_]{0,127}",
        "must be a column: letters, digits and underscores, no digit first, at most 128 characters",
    ),
]
Table = Annotated[str, _TABLE]
Currency = Annotated[str, Pattern(r"[A-Z]{3}", "must be the code of a currency (ISO 4217), as in 'USD'")]
ServiceAccount = Annotated[
    str,
    Pattern(
        r"[a-z0-9][a-z0-9-]{1,98}@(?:[a-z0-9.-]{1,98}\.iam|developer|appspot)\.gserviceaccount\.com",
        "must be the e-mail address of a service account, as in 'ci@my-project.iam.gserviceaccount.com'",
    ),
]
Schedule = Annotated[str, Reads(_schedule, "a cron expression of five fields, in UTC")]
LocalSchedule = Annotated[str, Reads(_schedule, "a cron expression of five fields, in `time_zone`")]
TimeZone = Annotated[str, Reads(_time_zone, "the name of an IANA time zone, as in `Europe/Berlin`")]
Target = Annotated[str, Reads(_target, "a target", {"type": "string", "pattern": f"^(?:{'|'.join(TARGETS)})/"})]
"""A target as `kind/name`; a model, a probe or a partner must be one of the settings."""
TargetPattern = Annotated[str, Reads(_targets, "a pattern of targets")]
"""A pattern of targets, as in `model/*`; without a `*`, a model, a probe or a partner must be one of the settings."""
AnyPattern = Annotated[str, _TARGET_PATTERN]
"""A pattern of anything, as in `*latency*`."""
Dollars = Annotated[float, Range(0, 1e12, "dollars an hour")]
Share = Annotated[float, Range(0, 1)]
Streak = Annotated[int, Range(1, 100)]
"""How many results in a row."""
