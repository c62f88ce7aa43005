"""Grouping: a storm of like findings about many targets is one incident, by the labels that a route names (`group_by`)."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.events import Finding
from core.patterns import any_matches
from core.settings.people import Route

SEPARATOR = "@"
"""Between the kind of a grouped condition and the target that the finding is about."""
_LONGEST = 200
"""Bytes of a target or a kind that grouping makes."""


def grouped(finding: Finding, routes: Iterable[Route]) -> Finding:
    """The finding as a condition of its group, if a route has one for it; else the same.

    The first route counts that names labels, all of which the finding has, and whose targets it matches. The severity, the hours and
    the other conditions of the route do not: a group must be the same for every finding about a condition.

    Args:
        finding: as it was published.
        routes: of the settings.

    >>> from datetime import UTC, datetime
    >>> from core.events import Severity, Status
    >>> pod = Finding(target="pod/a", kind="CrashLoop", status=Status.FIRING, severity=Severity.ERROR, source="doc",
    ...               observed_at=datetime(2026, 1, 2, tzinfo=UTC), summary="restarts", labels={"service": "shop", "zone": "b"})
    >>> one = grouped(pod, [Route(group_by=("service",), to=())])
    >>> one.target, one.kind
    ('service/shop', 'CrashLoop@pod/a')
    >>> grouped(pod, [Route(group_by=("service", "cluster"), to=())]) is pod
    True
    """
    route = next((route for route in routes if _groups(route, finding)), None)
    if route is None:
        return finding
    names, values = "-".join(route.group_by), _joined([_value(finding, label) for label in route.group_by])
    target = _fitting(f"{names.lower()}/{values}")
    if target == finding.target:
        return finding
    return replace(finding, target=target, kind=_fitting(f"{finding.kind}{SEPARATOR}{finding.target}"))


def is_grouped(kind: str) -> bool:
    """Whether a condition of this kind was made by grouping."""
    return "/" in kind.partition(SEPARATOR)[2]


def subject(target: str, kind: str) -> tuple[str, str]:
    """The target and the kind that a condition is about, whether it is grouped or not.

    >>> subject("service/shop", "CrashLoop@pod/a"), subject("pod/a", "CrashLoop")
    (('pod/a', 'CrashLoop'), ('pod/a', 'CrashLoop'))
    >>> subject("pod/a", "slow@night")
    ('pod/a', 'slow@night')
    """
    bare, _, own = kind.partition(SEPARATOR)
    return (own, bare) if is_grouped(kind) else (target, kind)


def _groups(route: Route, finding: Finding) -> bool:
    if not route.group_by or not all(_value(finding, label) for label in route.group_by):
        return False
    return not route.when.targets or any_matches(route.when.targets, finding.target)


def _value(finding: Finding, label: str) -> str:
    """The value of a label as a part of a target, which is printable; empty where the finding has none."""
    return "".join(sign if sign.isprintable() else " " for sign in finding.labels.get(label, "")).strip()


def _joined(values: Sequence[str]) -> str:
    r"""The values, separated by commas; of several, their own commas and backslashes have a backslash before them.

    >>> _joined(["a,b", "c"]), _joined(["a", "b,c"]), _joined(["a,b"])
    ('a\\,b,c', 'a,b\\,c', 'a,b')
    """
    if len(values) == 1:
        return values[0]
    return ",".join(value.replace("\\", "\\\\").replace(",", "\\,") for value in values)


def _fitting(text: str) -> str:
    """The text, cut to the limit; what is cut is distinguished by a digest."""
    if len(text.encode()) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text.encode()[: _LONGEST - 13].decode(errors='ignore')}~{digest}"
