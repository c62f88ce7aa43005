"""The bond of an incident that a person merged into another one: what it has reported to that one so far."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.events import Severity

_TARGETS = ("target", "second target")
_MORE = "further targets"
"""What does not fit into the evidence is counted: nobody can say whether it is silenced."""
TAKEN_OUT = {"part": "taken out"}
"""The evidence of a last report: that it does not count any more is no recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a merged incident reports, and to whom; kept after it was taken out, for the order of what is said later.

    Attributes:
        target: the root target of the other incident, which the reports are about; empty where it was taken out.
        at: the instant of the newest command to merge it or to take it out.
        is_reported: whether it has reported since it became a part.
        severity: reported last as firing, or None for over.
        silent: whether the last report was that it is no longer reported.
        reported_at: the instant of the last report; the next one is later.
        leaves: the target of an incident that it is no part of any more, and that has not been reported yet; or empty.
    """

    target: str
    at: datetime
    is_reported: bool = False
    severity: Severity | None = None
    silent: bool = False
    reported_at: datetime
    leaves: str = ""


def evidence_of(incident_id: str, targets: Sequence[str]) -> Mapping[str, str]:
    """The evidence of a report: the part and its targets, as far as there is room.

    >>> evidence_of("x-1", ["pod/a", "pod/b", "pod/c"])
    {'incident': 'x-1', 'target': 'pod/a', 'second target': 'pod/b', 'further targets': '1'}
    """
    more = len(targets) - len(_TARGETS)
    return {
        "incident": incident_id,
        **dict(zip(_TARGETS, targets, strict=False)),
        **({_MORE: str(more)} if more > 0 else {}),
    }


def reported_targets(evidence: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The targets that a report names; one that is empty stands for those for which there was no room.

    >>> reported_targets(evidence_of("x-1", ["pod/a", "pod/b", "pod/c"]).items())
    ('pod/a', 'pod/b', '')
    """
    pieces = dict(evidence)
    named = tuple(pieces[name] for name in _TARGETS if name in pieces)
    return (*named, "") if _MORE in pieces else named
