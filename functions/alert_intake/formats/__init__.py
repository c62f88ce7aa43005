"""The formats of foreign alerts: each recognises its own by their shape, and reads them.

A module of this folder is a format; nothing else names it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from importlib import import_module
from pkgutil import iter_modules

from functions.alert_intake.alert import Outcome, Refusal
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json


def _format(module: str) -> Format:
    found: Format = import_module(f"{__name__}.{module}").FORMAT
    return found


FORMATS = tuple(
    sorted((_format(module.name) for module in iter_modules(__path__)), key=lambda one: (one.turn, one.name))
)
"""In the order in which they are tried."""
UNKNOWN = "unknown"
"""The sender of a body of no known format."""


def of_replicas(labels: Sequence[str]) -> tuple[Format, ...]:
    """The formats, where those labels of an alert name one of several senders that say the same."""
    return tuple(
        replace(one, findings=partial(one.findings, replicas=labels)) if one.replicated else one for one in FORMATS
    )


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a body.

    Attributes:
        sender: the name of its format.
        outcomes: in order; none only where the body is an empty list.
    """

    sender: str
    outcomes: Iterable[Outcome]


def understand(body: Json, now: datetime, formats: Iterable[Format] = FORMATS) -> Content:
    """The content of a body.

    The shape of the body decides, whatever path it was posted to.

    Args:
        body: decoded.
        now: when it was received, in UTC.
        formats: in the order in which they are tried.
    """
    recognised = next((candidate for candidate in formats if candidate.recognise(body)), None)
    if recognised is None:
        reason = f"body: must be of a known format, got {_shape(body)}"
        return Content(UNKNOWN, [] if body == [] else [Refusal(reason, body)])
    return Content(recognised.name, recognised.findings(body, now))


def _shape(body: Json) -> str:
    if isinstance(body, dict):
        return f"an object with {', '.join(repr(name[:40]) for name in list(body)[:8]) or 'nothing'}"
    return f"a list of {len(body)}" if isinstance(body, list) else f"{type(body).__name__}"
