"""The formats of foreign alerts: each recognises its own by their shape, and reads them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from functions.alert_intake.alert import Outcome, Refusal
from functions.alert_intake.formats import (
    alertmanager,
    cloud_monitoring,
    cloudwatch,
    formatted,
    generic,
    grafana,
    prometheus,
)
from functions.alert_intake.reading import Json


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        name: for people.
        recognise: whether a body is of it.
        findings: the content of a recognised body, in order, received at an instant.
    """

    name: str
    recognise: Callable[[Json], bool]
    findings: Callable[[Json, datetime], list[Outcome]]


FORMATS = (
    Format("cloud-monitoring", cloud_monitoring.recognise, cloud_monitoring.findings),
    Format("alertmanager", alertmanager.recognise, alertmanager.findings),
    Format("prometheus", prometheus.recognise, prometheus.findings),
    Format("cloudwatch", cloudwatch.recognise, cloudwatch.findings),
    Format("grafana", grafana.recognise, grafana.findings),
    Format("generic", generic.recognise, generic.findings),
    Format("formatted", formatted.recognise, formatted.findings),
)
"""In the order in which they are tried."""


def understand(body: Json, now: datetime) -> list[Outcome]:
    """The content of a body, in order: at least one finding or refusal.

    The shape of the body decides, whatever path it was posted to.

    Args:
        body: decoded.
        now: when it was received, in UTC.
    """
    recognised = next((candidate for candidate in FORMATS if candidate.recognise(body)), None)
    if recognised is None:
        names = ", ".join(candidate.name for candidate in FORMATS)
        return [Refusal(f"body: must be of a known format ({names}), got {_shape(body)}", body)]
    return recognised.findings(body, now)


def _shape(body: Json) -> str:
    if isinstance(body, dict):
        return f"an object with {', '.join(repr(name[:40]) for name in list(body)[:8]) or 'nothing'}"
    return f"a list of {len(body)}" if isinstance(body, list) else f"{type(body).__name__}"
