"""What an action would change, as it is shown, stored, applied, verified and undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that would change: what, from what, to what; as short texts for people."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an action would change. It is kept between the request and the verification, in the store.

    Attributes:
        summary: one line for people, as in `endpoint flights: 100 % of the traffic from model 7 back to model 6`.
        steps: what would change; empty where there is nothing to do, and then nothing is applied.
        touched: how many things would be touched, for the blast radius.
        state: what `apply`, `verify` and `undo` need to know, as the outside was when it was planned: texts only.
    """

    summary: str
    steps: tuple[Step, ...] = ()
    touched: int = 0
    state: Mapping[str, str] = field(default_factory=dict)


class Health(StrEnum):
    """How what was changed is, afterwards."""

    GOOD = "good"
    """The change is in place and works."""
    PENDING = "pending"
    """Not to be told yet; look again later."""
    BAD = "bad"
    """The change is in place and does not work, or did not come into place and never will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """What a look at the outside says: how it is, and one line of why."""

    health: Health
    detail: str
