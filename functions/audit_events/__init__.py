"""Detections over Cloud Audit Logs and sign-ins: entries of a log sink, and ticks."""
