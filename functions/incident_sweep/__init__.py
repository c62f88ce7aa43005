"""Incident sweep: escalation, expiry, deferred notifications and metrics, as time passes."""
