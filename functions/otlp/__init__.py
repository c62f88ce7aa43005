"""OTLP: spans, metrics and log records of applications become rows."""
