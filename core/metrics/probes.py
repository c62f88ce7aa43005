"""Probe metrics. Written by health_check."""

from core.metrics.metric import gauge

METRICS = (
    gauge("aia_probe_up", "probe", "1", "Whether the latest check of the probe succeeded: 1 if so, else 0."),
    gauge("aia_probe_latency_seconds", "probe", "s", "Latency of the latest check of the probe."),
    gauge(
        "aia_probe_certificate_expiry_seconds",
        "probe",
        "s",
        "Time until the target's TLS certificate expires; negative after it has expired.",
    ),
    gauge(
        "aia_probe_replication_lag_seconds",
        "probe",
        "s",
        "Replication lag of a standby, or the greatest one of the standbys of a primary server.",
    ),
    gauge("aia_probe_connections_ratio", "probe", "1", "Share of the database's connections in use."),
    gauge("aia_probe_memory_ratio", "probe", "1", "Share of the cache's memory in use."),
    gauge("aia_probe_hit_ratio", "probe", "1", "Share of look-ups in the cache that found their key."),
    gauge("aia_probe_age_seconds", "probe", "s", "Age of a table's newest row, or of a subscription's oldest message."),
    gauge("aia_probe_backlog_messages", "probe", "1", "Messages of a subscription that are not acknowledged."),
    gauge(
        "aia_probe_good",
        "probe",
        "1",
        "Whether the latest check counts as good for the objective: 1 if so, else 0; none in maintenance.",
    ),
    gauge("aia_probe_objective_ratio", "probe", "1", "Objective: the share of a month's checks that must be good."),
    gauge("aia_probe_availability_ratio", "probe", "1", "Share of this month's checks so far that were good."),
    gauge(
        "aia_probe_error_budget_ratio",
        "probe",
        "1",
        "Share of this month's error budget that is left; negative where it is exceeded.",
    ),
)
