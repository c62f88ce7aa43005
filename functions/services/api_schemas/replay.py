"""Replays: what would have happened with other settings."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from functions.services.api_schemas import Instant
from functions.services.api_schemas.bodies import By


class Proposed(TypedDict):
    """Settings to try, as YAML text or as an object, and on which time."""

    by: NotRequired[By]
    settings: str | dict[str, Any]
    since: NotRequired[Annotated[Instant, Meta(description="30 days before `until`, where it is not given.")]]
    until: NotRequired[Annotated[Instant, Meta(description="Now, where it is not given.")]]
    warm_up: NotRequired[Annotated[str, Meta(description="As in 12h: so long before is replayed and not compared.")]]
    hours: NotRequired[Annotated[str, Meta(description="When people are at work, in UTC, as in mon-fri 08:00-18:00.")]]
    pages: NotRequired[Annotated[list[str], Meta(description="Channels that page a person, beside those known.")]]


class Told(TypedDict):
    """A message to a channel."""

    at: Instant
    channel: str
    incident_id: str
    target: str
    change: str
    severity: str
    title: str
    outcome: str


class Difference(TypedDict):
    """A message as it was sent (null where it would be new) and as it would be (null where it would be gone)."""

    verdict: Literal["earlier", "later", "added", "removed"]
    told: Told | None
    would: Told | None


class Verdicts(TypedDict):
    """How many messages there are of each verdict."""

    same: int
    earlier: int
    later: int
    added: int
    removed: int


class Receiver(TypedDict):
    """The messages of a channel as they were and as they would be: all, those that page, those that page out of hours."""

    channel: str
    people: list[str]
    told: int
    would: int
    pages: int
    would_page: int
    woken: int
    would_wake: int


class Merged(TypedDict):
    """An incident that would be a part of another one."""

    incident_id: str
    target: str
    into: str
    into_target: str


class ActionAsked(TypedDict):
    """A request for an automated action."""

    at: Instant
    incident_id: str
    action: str
    target: str
    mode: str


class ActionsAsked(TypedDict):
    """How many actions were requested and would be, and which of them differ."""

    requested: int
    would_request: int
    added: list[ActionAsked]
    removed: list[ActionAsked]


class Comparison(TypedDict):
    """The messages that were sent against those that would have been sent, as `aia replay --format json` has it."""

    settings: str
    since: Instant
    until: Instant
    kept_since: Instant
    findings: int
    skipped: int
    messages: Verdicts
    channels: list[Receiver]
    differences: list[Difference]
    merged: list[Merged]
    actions: ActionsAsked
    left_out: Annotated[int, Meta(description="Entries of the lists beyond the first 1000 of each.")]


class Replay(TypedDict):
    """A replay, as it is now; with its comparison where it is done and anything of that time is kept."""

    id: str
    state: Literal["running", "done", "failed"]
    by: str
    asked_at: Instant
    ended_at: Instant | None
    since: Instant
    until: Instant
    expires_at: Instant
    detail: Annotated[str, Meta(description="Why it failed, or why there is nothing to compare.")]
    comparison: Comparison | None
