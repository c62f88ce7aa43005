"""Telemetry of applications by OpenTelemetry: what of it is stored, and what is computed of it."""
