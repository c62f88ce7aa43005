"""The section `pipelines`: which ones must report, and when it is a finding that nothing is known of one."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from core.events import Severity
from core.settings.notes import Items, NoneAs, Pattern, Range

_Name = Annotated[
    str, Pattern(r"(?!__)\S(?:[^\x00-\x1f\x7f]{0,126}\S)?", "must be the name of a pipeline, of at most 128 characters")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineSettings:
    """Pipelines that must report. Any other one is known from its first run on, and needs no settings."""

    expected: Annotated[tuple[_Name, ...], Items(unique=True)] = ()
    """Names of pipelines that are not known as long as no run of theirs is reported; they never count as retired."""
    no_verdict_after: Annotated[timedelta | None, Range("5m", "90d"), NoneAs("never")] = timedelta(days=1)
    """How long no run of a pipeline may have succeeded or failed, or what is kept of its runs be unreadable, before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""
