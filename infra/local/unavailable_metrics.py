"""Metrics of dashboards that the local system cannot have: such a query must be answered, and has no data.

Named one by one, so that a query without data is a fault wherever the stack could have written some. A test keeps the
list in step with the dashboards.
"""

import re
from collections import Counter
from collections.abc import Iterable

_ABSENT = {
    "a cluster of Kubernetes": (
        "kubernetes_io:container_restart_count",
        "kubernetes_io:node_memory_allocatable_utilization",
        "kubernetes_io:node_status_condition",
        "kubernetes_io:pod_status_unschedulable",
    ),
    "Cloud SQL": (
        "cloudsql_googleapis_com:database_cpu_utilization",
        "cloudsql_googleapis_com:database_disk_utilization",
        "cloudsql_googleapis_com:database_memory_utilization",
    ),
    "Memorystore for Redis": ("redis_googleapis_com:stats_memory_system_memory_usage_ratio",),
    "PostgreSQL with an exporter": ("pg_settings_max_connections", "pg_stat_database_numbackends"),
    "a database that the OpenTelemetry Collector scrapes": (
        "mysql_replica_time_behind_source_seconds",
        "postgresql_backends",
        "postgresql_commits_total",
        "postgresql_connection_max",
        "postgresql_rollbacks_total",
        "postgresql_wal_lag_seconds",
        "redis_keyspace_hits_total",
        "redis_keyspace_misses_total",
        "redis_maxmemory_bytes",
        "redis_memory_used_bytes",
    ),
    "an OpenTelemetry Collector": (
        *(f"otelcol_exporter_queue_{what}" for what in ("capacity", "size")),
        *(
            f"otelcol_exporter_{what}_failed_{items}_total"
            for what in ("enqueue", "send")
            for items in ("log_records", "metric_points", "spans")
        ),
    ),
    "a load balancer of Google Cloud": (
        "loadbalancing_googleapis_com:https_request_count",
        "loadbalancing_googleapis_com:https_total_latencies_bucket",
    ),
    "a model that logs attributions": ("aia_attribution_drift_value", "aia_attribution_drift_drifted"),
    "a resource whose first minutes, or six hours, are known": (
        "aia_capacity_crossing_probability_ratio",
        "aia_capacity_forecast_error_ratio",
        "aia_capacity_forecast_usage_ratio",
        "aia_capacity_usage_ratio",
    ),
    "a resource that is scaled": ("aia_capacity_proposed_replicas", "aia_capacity_replicas"),
    "a metric that is watched for anomalies": ("aia_metric_tail_probability_ratio",),
    "the audit log of Google Cloud": ("aia_audit_entries_total", "aia_security_open"),
    "calls of partners": ("aia_partner_calls", "aia_partner_latency_seconds", "aia_partner_success_ratio"),
    "an application that sends OpenTelemetry": (
        "aia_agent_dollars_per_task",
        "aia_agent_failure_ratio",
        "aia_agent_handoffs_per_task",
        "aia_agent_looping_tasks",
        "aia_agent_tasks",
        "aia_agent_tokens_per_task",
        "aia_service_error_ratio",
        "aia_service_latency_seconds",
        "aia_service_metric_value",
        "aia_service_requests_per_second",
    ),
    "Cloud Run": ("run_googleapis_com:request_count",),
    "an endpoint of Vertex AI": ("aiplatform_googleapis_com:prediction_online_response_count",),
    "a generative model": (
        "aia_generation_dollars_per_hour",
        "aia_generation_empty_context_ratio",
        "aia_generation_empty_ratio",
        "aia_generation_error_ratio",
        "aia_generation_first_token_seconds",
        "aia_generation_invalid_format_ratio",
        "aia_generation_pii_ratio",
        "aia_generation_refusal_ratio",
        "aia_generation_requests_per_second",
        "aia_generation_tokens_per_second",
        "aia_generation_total_seconds",
        "aia_generation_truncated_ratio",
        "aia_generation_worse_measures",
    ),
    "BigQuery, whose dry runs measure bytes": ("aia_table_scan_bytes", "aia_table_scan_monthly_dollars"),
    "a recommendation that people have carried out": ("aia_recommendation_saved_dollars",),
    "a probe of a certificate": ("aia_probe_certificate_expiry_seconds",),
    "a probe of a database, cache, table or subscription": (
        "aia_probe_age_seconds",
        "aia_probe_backlog_messages",
        "aia_probe_connections_ratio",
        "aia_probe_hit_ratio",
        "aia_probe_memory_ratio",
        "aia_probe_replication_lag_seconds",
    ),
    "quotas of Google Cloud": (
        "serviceruntime_googleapis_com:quota_allocation_usage",
        "serviceruntime_googleapis_com:quota_exceeded",
        "serviceruntime_googleapis_com:quota_limit",
    ),
}
REASONS = {name: what for what, names in _ABSENT.items() for name in names}
"""The system that would have to exist, by metric."""
_WRITTEN = ("aia_", "pubsub_googleapis_com:")
"""The prefixes of the metrics that the stack writes."""
_NAME = re.compile(r"[A-Za-z_][\w:]*")


def missing(query: str) -> str:
    """The system of a query's metrics that the machine lacks; empty if any of them should have data.

    >>> missing("max by (node_name) (kubernetes_io:node_status_condition)")
    'a cluster of Kubernetes'
    >>> missing("max(aia_probe_up)")
    ''
    """
    names = [name for name in _NAME.findall(query) if name in REASONS or name.startswith(_WRITTEN)]
    return REASONS[names[0]] if names and all(name in REASONS for name in names) else ""


def fault(query: str, *, has_data: bool) -> str:
    """The fault of an answer: no data, or data of what only Google Cloud or an exporter writes; empty if there is none.

    An application, a model or a setting of the user may bring any of our own metrics.

    >>> fault("max(aia_probe_up)", has_data=False), fault("max(aia_service_error_ratio)", has_data=True)
    ('no data', '')
    """
    what = missing(query)
    if what and has_data and "aia_" not in query:
        return f"has data, though infra/local/unavailable_metrics.py says that {what} is not on this machine"
    return "" if what or has_data else "no data"


def summary(queries: Iterable[str]) -> str:
    """A summary of the queries of unavailable metrics.

    >>> summary(["up", "pg_settings_max_connections", "pg_stat_database_numbackends"])
    '2 are of what is not on this machine (2 PostgreSQL with an exporter)'
    """
    counts = Counter(what for what in map(missing, queries) if what)
    kinds = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    return f"{counts.total()} are of what is not on this machine ({kinds})" if counts else ""
