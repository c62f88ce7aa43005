"""What people look for in the list of incidents: the filter of a request, what matches it, and where it stands in the list."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from core.events import Severity
from core.incidents.model import IncidentReason, State
from core.patterns import matches
from functions.adapters.ports import Data
from functions.api.listing import LONGEST, WORDS, words
from functions.api.parameters import Parameter, Several, Text

STATES = (State.OPEN, State.ACKNOWLEDGED, State.MITIGATED, State.RESOLVED, "cancelled", "expired", "merged")
"""What an incident is in the list; the last three are kinds of what is over."""
OVER = frozenset({State.RESOLVED, "cancelled", "expired", "merged"})
_BY_PEOPLE = frozenset({IncidentReason.COMMAND, IncidentReason.COMMENT})
_SEVERITIES = tuple(Severity)


class Place(NamedTuple):
    """Where an incident is in the list, which is in descending order: the open ones before those that are over.

    Attributes:
        is_open: whether it is not over.
        rank: of the severity of an open one; 0 of others.
        at: when an open one was opened, or another one ended.
        id: of the incident.
    """

    is_open: bool
    rank: int
    at: datetime
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """What is looked for; what is empty takes everything.

    Attributes:
        states: of `STATES`.
        severities: the worst that it had.
        category: its class, as in `drift`.
        target: a pattern of targets, as in `model/*`.
        person: a part of the name of who has it, or did something about it.
        words: all of which it says somewhere, in lower case.
        since, until: when it was opened.
    """

    states: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()
    category: str = ""
    target: str = ""
    person: str = ""
    words: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    @property
    def takes_over(self) -> bool:
        """Whether incidents that are over may match."""
        return not self.states or bool(self.states & OVER)

    def takes(self, incident: Data) -> bool:
        """Whether the copy of an incident matches."""
        return (
            self.takes_class(incident)
            and (not self.severities or Severity(incident["peak"]) in self.severities)
            and (not self.target or any(matches(self.target, one) for one in targets(incident)))
            and (self.since is None or incident["opened_at"] >= self.since)
            and (self.until is None or incident["opened_at"] < self.until)
            and (not self.person or any(self.person in one.lower() for one in _people(incident)))
            and (not self.words or self._says(incident))
        )

    def takes_class(self, incident: Data) -> bool:
        """Whether its state and its category match: what recorded changes do not tell."""
        return (not self.states or standing(incident) in self.states) and (
            not self.category or incident["category"] == self.category
        )

    def _says(self, incident: Data) -> bool:
        text = "\n".join(_texts(incident)).lower()
        return all(word in text for word in self.words)


FILTERS = (
    Parameter("state", Several(STATES), "What they are; the last three are kinds of what is over."),
    Parameter("severity", Several(_SEVERITIES), "The worst that they had."),
    Parameter("category", Text(LONGEST), "Their category, as in drift."),
    Parameter("target", Text(LONGEST), "A pattern of targets, as in model/*."),
    Parameter("model", Text(LONGEST), "A model, in place of its target."),
    Parameter("person", Text(LONGEST), "A part of the name of who has it, or did something about it."),
    WORDS,
)


def read_filter(values: Mapping[str, Any]) -> IncidentFilter:
    """The filter that the parameters `FILTERS` and `RANGE` ask for."""
    model = values["model"]
    return IncidentFilter(
        states=frozenset(values["state"] or ()),
        severities=frozenset(map(Severity, values["severity"] or ())),
        category=values["category"] or "",
        target=f"model/{model}" if model else values["target"] or "",
        person=(values["person"] or "").strip().lower(),
        words=words(values["q"]),
        since=values["since"],
        until=values["until"],
    )


def standing(incident: Data) -> str:
    """What an incident is, as one of `STATES`."""
    if incident["state"] != State.RESOLVED:
        return str(incident["state"])
    if incident["merged_into"]:
        return "merged"
    if incident["cancelled"]:
        return "cancelled"
    return "expired" if incident.get("expired") else str(State.RESOLVED)


def targets(incident: Data) -> tuple[str, ...]:
    """The root target of an incident, and the others."""
    return tuple(dict.fromkeys((incident["target"], *incident["targets"])))


def place_of(incident: Data) -> Place:
    """Where the copy of an incident is in the list."""
    if incident["state"] == State.RESOLVED:
        return Place(is_open=False, rank=0, at=incident["resolved_at"], id=incident["id"])
    return Place(is_open=True, rank=Severity(incident["severity"]).rank, at=incident["opened_at"], id=incident["id"])


def _people(incident: Data) -> Iterator[str]:
    yield incident["acknowledged_by"]
    yield from (one["summary"] for one in incident["timeline"] if one["reason"] in _BY_PEOPLE)


def _texts(incident: Data) -> Iterator[str]:
    yield from (
        incident["id"],
        incident["title"],
        incident["category"],
        incident["acknowledged_by"],
        *targets(incident),
    )
    yield from (entry["summary"] for entry in incident["timeline"])
    for condition in incident["conditions"]:
        yield from (condition["target"], condition["kind"], condition["summary"])
        yield from (piece["text"] for piece in condition["evidence"])
