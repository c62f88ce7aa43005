"""What the operations that act take: `functions/api/body.py` reads it, with all faults at once."""

from typing import Annotated, Any, NotRequired, TypedDict

from msgspec import Meta

from functions.services.api_schemas import Instant

LONGEST_NAME, LONGEST_NOTE = 80, 300
"""Characters."""
LONGEST_SUBJECT = 300
"""Bytes of a pattern, as the router takes it."""
By = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, description="Who says so, where nobody is signed in.")]
Note = Annotated[str, Meta(max_length=LONGEST_NOTE, description="Why, in one line.")]
Reason = Annotated[str, Meta(min_length=1, max_length=LONGEST_NOTE, description="Why, in one line.")]
Pattern = Annotated[str, Meta(min_length=1, max_length=LONGEST_SUBJECT, description="As in model/*.")]


class Said(TypedDict):
    """Who says so, and why."""

    by: NotRequired[By]
    note: NotRequired[Note]


class Acknowledged(Said):
    """Acknowledge the whole incident, or one of its targets that fires."""

    target: NotRequired[str]


class HandedOn(Said):
    """Who has it from now on; whoever says so, where nobody is named."""

    to: NotRequired[str]


class MergedInto(Said):
    """The id of the incident that it becomes a part of."""

    to: str


class Comment(TypedDict):
    """What is said."""

    by: NotRequired[By]
    note: Reason


class Reasoned(TypedDict):
    """Who says so, and why, which must be given."""

    by: NotRequired[By]
    note: Reason


class Promoted(Reasoned):
    """The version, where it is not the challenger."""

    version: NotRequired[str]


class Silenced(Said):
    """Which targets, and either for how many minutes or until when."""

    pattern: Pattern
    minutes: NotRequired[Annotated[int, Meta(ge=1, le=43_200)]]
    until: NotRequired[Instant]
    anyway: NotRequired[bool]


class Unsilenced(Said):
    """Which pattern."""

    pattern: Pattern


class Switched(Said):
    """Which action, or `*` for all of them."""

    action: str


class Decided(Said):
    """A decision about a recommendation."""

    key: str
    state: str


class SentAgain(Reasoned):
    """What it is to say instead, as text: a JSON object."""

    data: NotRequired[str]


class Answers(TypedDict):
    """Answers to surveys."""

    answers: list[dict[str, Any]]
