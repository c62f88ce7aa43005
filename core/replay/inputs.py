"""What is replayed: the events that were decided on, in the order of their decisions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from core.events import ActionDecision, Command, DecisionKind, Delivered, Finding
from core.incidents.measured import KnownOrders


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One event that was decided on, as `IncidentDecision` has it.

    Attributes:
        kind: what it is.
        group: the group of that time; empty for a silence and for the start of a sweep.
        revision: of the group afterwards.
        key: of the event: the id of a finding or command, the sweep, the key of a message.
        event: the event; None for a sweep.
        published_at: when it was published; of a delivery, when its message was decided.
        decided_at: when it was decided on; of a delivery, when it was delivered.
        known: what the decision knew of orders.
    """

    kind: DecisionKind
    group: str
    revision: int
    key: str
    event: Finding | Command | ActionDecision | Delivered | None
    published_at: datetime
    decided_at: datetime
    known: KnownOrders = field(default_factory=KnownOrders)

    @property
    def starts_sweep(self) -> bool:
        """Whether it is the start of a sweep, and no decision."""
        return self.kind is DecisionKind.SWEEP and not self.group


def in_order(inputs: Iterable[Input]) -> list[Input]:
    """The inputs in the order of their decisions.

    Instances decide at once and their clocks differ a little: within a group the revisions are the order, and between groups
    the instants. The start of a sweep comes before what is decided at the same instant.
    """
    found: list[tuple[datetime, bool, int, Input]] = []
    by_group = sorted(inputs, key=lambda one: (one.group, one.revision, one.decided_at, one.key))
    for group, members in groupby(by_group, key=lambda one: one.group):
        latest: datetime | None = None
        for number, one in enumerate(members):
            latest = one.decided_at if latest is None or not group else max(latest, one.decided_at)
            found.append((latest, not one.starts_sweep, number, one))
    found.sort(key=lambda entry: entry[:3])
    return [one for *_, one in found]


def span(inputs: Sequence[Input]) -> tuple[datetime, datetime] | None:
    """The first and the last instant, or None without any input."""
    instants = [one.decided_at for one in inputs]
    return (min(instants), max(instants)) if instants else None
