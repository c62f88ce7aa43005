"""The section `surveys`: how long answers count, and who may be asked by a link."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from core.settings.channels import Secret
from core.settings.notes import Pattern, Range


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveys:
    """Answers of people, from which NPS and CSAT are computed."""

    window: Annotated[timedelta, Range("1d", "365d", step="d")] = timedelta(days=90)
    """How long an answer counts; of a respondent only the newest one does."""
    minimum: Annotated[int, Range(5, 1000)] = 10
    """With fewer answers the score of a group is not known."""
    secret: Annotated[Secret, Pattern(r".{32,}", "must be of at least 32 characters")] | None = field(
        default=None, repr=False
    )
    """Key to sign links to a question with, at least 32 random characters; without it the page of a question is not served."""
