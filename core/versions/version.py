"""A version of a model: what it was trained on, by what, how well it did, and who asked for it."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.instants import require_aware

LONGEST_NAME = 128
"""Characters of a version."""
_REQUESTER = re.compile(r"(?:finding|person):\S(?:.*\S)?|schedule|")
_TEMPLATE = re.compile(r"(?:sha256:[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A metric of a version on held-out data.

    Attributes:
        value: finite, in the unit of the metric.
        low: lower end of its 95 % interval, or None where there is none.
        high: upper end of it, or None where there is none.
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no interval around the value.

        Raises:
            ValueError: a number is not finite, only one end is given, or the value is outside.
        """
        if not all(math.isfinite(number) for number in (self.value, self.low or 0.0, self.high or 0.0)):
            raise ValueError(f"metric: must be finite, got {self}")
        if (self.low is None) != (self.high is None):
            raise ValueError(f"metric: must have both ends of the interval or none, got {self}")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"metric: must be within its interval, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A registered version of a model; a version that is registered is not in use by that.

    Attributes:
        model: as the settings name it.
        version: unique within the model; 1 to 128 printable characters.
        reference_start: start of the window that drift is measured against.
        reference_end: its end, exclusive.
        created_at: when it was registered.
        run_id: of the pipeline run that trained it, or empty.
        pipeline: of that run, or empty.
        template: of the compiled pipeline, `sha256:…`, or empty.
        git: the commit of the training code, or empty.
        trained_from: start of the training data, or None where it is not known.
        trained_until: its end, exclusive, or None where it is not known.
        held_out_until: end, exclusive, of the later data on which it was chosen, or None where it is not known.
        parameters: of the training, by name: values as JSON has them.
        metrics: on held-out data, by name.
        artifact_uri: where the trained model is stored, or empty.
        profile_uri: where the profile of its reference is stored, or empty.
        requested_by: `finding:ID`, `person:NAME`, `schedule`, or empty where nobody is known to have asked.
        request_id: of the retraining request, or empty.
        registry: the registries that have it, as in `mlflow,vertex`; empty for none.
        registry_uri: where it is in them, in the same order, separated by blanks.

    >>> from datetime import UTC
    >>> january, june = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    >>> Version(model="churn", version="", reference_start=january, reference_end=june, created_at=june)
    Traceback (most recent call last):
        ...
    ValueError: version: must be 1 to 128 printable characters without a blank at either end, got ''
    """

    model: str
    version: str
    reference_start: datetime
    reference_end: datetime
    created_at: datetime
    run_id: str = ""
    pipeline: str = ""
    template: str = ""
    git: str = ""
    trained_from: datetime | None = None
    trained_until: datetime | None = None
    held_out_until: datetime | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    artifact_uri: str = ""
    profile_uri: str = ""
    requested_by: str = ""
    request_id: str = ""
    registry: str = ""
    registry_uri: str = ""

    def __post_init__(self) -> None:
        """Refuse what no table or registry can hold.

        Raises:
            ValueError: naming the attribute, the value and what is allowed.
        """
        for name in ("model", "version"):
            _check_name(name, getattr(self, name))
        _check_span("reference_start", self.reference_start, "reference_end", self.reference_end)
        require_aware("created_at", self.created_at)
        if (self.trained_from is None) != (self.trained_until is None):
            raise ValueError(f"trained_from: must be given with trained_until or not at all, got {self.trained_from}")
        if self.trained_from and self.trained_until:
            _check_span("trained_from", self.trained_from, "trained_until", self.trained_until)
        if self.held_out_until is not None:
            _check_span("reference_start", self.reference_start, "held_out_until", self.held_out_until)
        if not _TEMPLATE.fullmatch(self.template):
            raise ValueError(f"template: must be sha256: and 64 hexadecimal digits, got {self.template!r}")
        if not _REQUESTER.fullmatch(self.requested_by):
            allowed = "finding:ID, person:NAME, schedule or empty"
            raise ValueError(f"requested_by: must be {allowed}, got {self.requested_by!r}")


def _check_name(name: str, text: str) -> None:
    if not text or len(text) > LONGEST_NAME or not text.isprintable() or text != text.strip():
        allowed = f"1 to {LONGEST_NAME} printable characters without a blank at either end"
        raise ValueError(f"{name}: must be {allowed}, got {text[:80]!r}")


def _check_span(first: str, start: datetime, last: str, end: datetime) -> None:
    require_aware(first, start)
    require_aware(last, end)
    if start >= end:
        raise ValueError(f"{first}: must be before {last} ({end.isoformat()}), got {start.isoformat()}")
