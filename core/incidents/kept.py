"""Findings as they are kept for a replay: bounded, and folded into the same state as what was received."""

from dataclasses import replace
from itertools import islice

from core.events import Finding
from core.incidents.conditions import EVIDENCE_LENGTH, EVIDENCE_NAME
from core.incidents.model import EVIDENCE_LIMIT
from core.text import clean, clean_utf8, reference

LABELS_LIMIT = 20
"""Labels of a finding that are kept: as many as the intake of foreign alerts gives it."""


def kept_finding(finding: Finding) -> Finding:
    """The finding with its texts as far as conditions keep them.

    >>> from datetime import UTC, datetime
    >>> from core.events import Severity, Status
    >>> finding = Finding(target="model/m", kind="drift", status=Status.FIRING, severity=Severity.ERROR,
    ...                   observed_at=datetime(2026, 1, 2, tzinfo=UTC), source="doc", summary="PSI" + " 0.3" * 1000)
    >>> len(kept_finding(finding).summary)
    300
    """
    evidence = islice(finding.evidence.items(), EVIDENCE_LIMIT)
    return replace(
        finding,
        source=clean(finding.source),
        summary=clean(finding.summary),
        unit=clean(finding.unit),
        evidence={clean_utf8(name, EVIDENCE_NAME): clean_utf8(text, EVIDENCE_LENGTH) for name, text in evidence},
        runbook=reference(clean(finding.runbook)),
        labels=dict(islice(finding.labels.items(), LABELS_LIMIT)),
    )
