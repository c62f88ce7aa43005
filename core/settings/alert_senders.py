"""The section `alert_senders`: systems whose alerts are read by a mapping, where there is no format for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from core.errors import Fault
from core.events import Severity, Status
from core.settings.declare import Faults, validator
from core.settings.kinds import Slug
from core.settings.notes import Items, Pattern, Range

_PATH = r"[^\s.\[\]{}]{1,80}(?:\.[^\s.\[\]{}]{1,80}|\[[0-9]{1,4}\]){0,9}"
Path = Annotated[str, Pattern(_PATH, "must be a path into the body, as in 'alarm.items[0].name'")]
"""A path into a body."""
Template = Annotated[
    str,
    Pattern(
        rf"(?:[^{{}}\x00-\x1f]|\{{{_PATH}\}}){{1,300}}",
        "must be a text with paths in braces, as in 'host/{alarm.host}'",
    ),
]
"""A text in which a path in braces stands for what is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSender:
    """A system whose alerts are read by a mapping."""

    name: Slug
    """Name of the system: the source of its findings."""
    recognise: Mapping[Path, str]
    """What a body of it has: the value at each path, `*` for any. Tried before the formats."""
    alerts: Path | None = None
    """Path of the list, where a body has several alerts; the other paths then begin at one of them."""
    target: Template
    """Target, as in `host/{alarm.host}`."""
    kind: Template
    """Name of the alert; with the target and `identity` it is the condition, the same when it fires and when it is over."""
    identity: Annotated[tuple[Path, ...], Items(unique=True)] = ()
    """Paths of what tells two alerts of one name and target apart."""
    status: Template | None = None
    """Whether it holds, as in `{alarm.state}`; without it, it fires."""
    severity: Template | None = None
    """How bad it is, as in `{alarm.level}`; without it, a warning."""
    statuses: Mapping[str, Status] = field(default_factory=dict)
    """Words of this system for the status, besides those of the guide."""
    severities: Mapping[str, Severity] = field(default_factory=dict)
    """Words of this system for the severity, besides those of the guide."""
    summary: Template | None = None
    """Summary in one line."""
    observed_at: Path | None = None
    """Path of the time that the alert is about; without it, when it was received."""
    value: Path | None = None
    """Path of the observed number."""
    threshold: Path | None = None
    """Path of its threshold."""
    link: Template | None = None
    """Web address of the alert."""
    holds_for: Annotated[timedelta | None, Range("1m", "30d")] = None
    """How long it holds unless it is sent again, where the system never says that it is over."""


@validator(AlertSender, "recognise")
def _recognises_something(sender: AlertSender) -> Faults:
    if not sender.recognise:
        yield Fault("recognise", "must have at least one path: without any, every body would be of it", {})
