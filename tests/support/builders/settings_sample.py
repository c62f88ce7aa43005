"""Settings in which everything is set that may be."""

from datetime import date
from typing import Any

from tests.support.builders import settings as support
from tests.support.builders.settings import Path

SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {"drift_score": "*/15 * * * *", "health_check": "* * * * *"},
    "models": [
        {
            "name": "flight-delay",
            "owner": "flight-operations",
            "table": "telemetry.flight_predictions",
            "timestamp": "scored_at",
            "id": "prediction_id",
            "score": "probability",
            "label": {"table": "telemetry.flight_labels", "column": "late", "arrives_within": "12h"},
            "features": {"numeric": ["distance", "hour"], "categorical": ["carrier", "origin"]},
            "reference": {"days": 59, "until": date(2026, 3, 1)},
            "window": "7d",
            "minimum_rows": 300,
            "fire_after": 2,
            "recover_after": 3,
            "accuracy_floor": 0.85,
            "segments": ["origin"],
            "retraining": {"important": ["carrier", "hour"], "drifted": 2, "cooldown": "12h", "window": "30d"},
        }
    ],
    "probes": [
        {
            "name": "api",
            "kind": "http",
            "url": "https://user:hunter2@api.example.com:8443/healthz?deep=1",
            "every": "5m",
            "fail_after": 4,
            "recover_after": 1,
            "timeout": "3s",
            "expect": {"status": 200, "latency": "250ms", "body": "ok"},
        },
        {"name": "certificate", "kind": "tls", "host": "api.example.com", "every": "1h", "warn_before": "30d"},
        {"name": "database", "kind": "tcp", "address": "[::1]:5432", "every": "1m"},
        {"name": "zone", "kind": "dns", "host": "api.example.com", "resolver": "127.0.0.1:5353", "every": "1m"},
    ],
    "dependencies": [{"from": "model/flight-delay", "to": "table/telemetry.flight_predictions"}],
    "revenue": {"model/flight-delay": {"dollars_per_hour": 1200}},
    "channels": [
        {"name": "log", "kind": "console"},
        {"name": "inbox", "kind": "webhook", "url": "https://hooks.example.com/T0/B0/hunter2"},
    ],
    "stakeholders": {"technical": {"tiers": [{"to": ["log", "inbox"]}]}},
    "routes": [{"when": {"severity": ["error", "critical"]}, "to": ["technical"]}, {"to": ["technical"]}],
}


def changed(path: Path, value: object) -> dict[str, Any]:
    """The sample with another value, or without it where that is `...`."""
    return support.changed(SAMPLE, path, value)
