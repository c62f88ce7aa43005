"""Detections over the audit log. Written by audit_events."""

from core.metrics.metric import counter, gauge

METRICS = (
    counter("aia_audit_entries_total", "log", "Entries of the audit log that were handled, by log."),
    gauge(
        "aia_audit_newest_timestamp_seconds", "", "s", "When the newest entry of the audit log was written, since 1970."
    ),
    gauge("aia_security_open", "detection", "1", "Targets on which the detection has something that is not over."),
)
