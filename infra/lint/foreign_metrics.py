"""The metrics of other systems that alert rules and dashboards query, with their labels.

Google's are those of its lists, under the names that PromQL has for them, with the labels of the metric and of the
resource it is asked of. `monitored_resource` is Google's own: what several sorts of resources write must be asked of
one. The others are what docs/runbooks ask services and exporters for.

PAGES has the list of each prefix. In November 2026 copies of them were compared by hand, name, kind and the metric's own
labels: pipelinejob and prediction of aiplatform, disk of cloudsql, logging, push requests of pubsub, redis, run, serviceruntime, nodes of
Kubernetes. What they say of values, which no test can know: codes of aiplatform's predictions are 2xx or 5xx, classes
of loadbalancing 200 or 500, of serviceruntime 4xx or 5xx; latencies of aiplatform are in milliseconds, of pubsub in
microseconds; entries that are excluded from the logs are not counted; a quota's limit is written once a day.

Those of the OpenTelemetry Collector are by documentation.md of each receiver, of exporter/exporterhelper and by obs_queue.go (the commits are in
tests/support/checks/collector_keys.yaml), under the names that the translation for Prometheus gives them: dots become underscores, units and `_total` are added.

Not compared with a list, but used so by others in public: reasoning_engine, prediction_online_error_count, the other
metrics of cloudsql, loadbalancing and pubsub, container_restart_count. From memory: pod_status_unschedulable, and the
labels of resources (https://cloud.google.com/monitoring/api/resources).
"""

from core.metrics.metric import MetricKind

_LINES = """
aiplatform_googleapis_com:pipelinejob_duration gauge: pipeline_job_id location
aiplatform_googleapis_com:prediction_online_error_count counter: endpoint_id deployed_model_id location
aiplatform_googleapis_com:prediction_online_prediction_count counter: endpoint_id deployed_model_id location spot model_display_name endpoint_display_name
aiplatform_googleapis_com:prediction_online_prediction_latencies histogram: endpoint_id deployed_model_id latency_type location spot model_display_name endpoint_display_name
aiplatform_googleapis_com:prediction_online_response_count counter: endpoint_id deployed_model_id response_code location spot model_display_name endpoint_display_name
aiplatform_googleapis_com:reasoning_engine_request_count counter: reasoning_engine_id response_code location
aiplatform_googleapis_com:reasoning_engine_request_latencies histogram: reasoning_engine_id response_code location
cloudsql_googleapis_com:database_cpu_utilization gauge: database_id region
cloudsql_googleapis_com:database_disk_utilization gauge: database_id region
cloudsql_googleapis_com:database_memory_utilization gauge: database_id region
kubernetes_io:container_restart_count counter: cluster_name location namespace_name pod_name container_name
kubernetes_io:node_memory_allocatable_utilization gauge: cluster_name location node_name memory_type component
kubernetes_io:node_status_condition gauge: cluster_name location node_name condition status
kubernetes_io:pod_status_unschedulable gauge: cluster_name location namespace_name pod_name
loadbalancing_googleapis_com:https_request_count counter: url_map_name response_code response_code_class backend_target_name
loadbalancing_googleapis_com:https_total_latencies histogram: url_map_name response_code response_code_class backend_target_name
logging_googleapis_com:log_entry_count counter: log severity method service
pubsub_googleapis_com:subscription_num_undelivered_messages gauge: subscription_id
pubsub_googleapis_com:subscription_oldest_unacked_message_age gauge: subscription_id
pubsub_googleapis_com:subscription_push_request_count counter: subscription_id response_class response_code delivery_type
pubsub_googleapis_com:subscription_push_request_latencies histogram: subscription_id response_code delivery_type
redis_googleapis_com:stats_memory_system_memory_usage_ratio gauge: instance_id node_id region role
run_googleapis_com:job_completed_execution_count counter: job_name result location
run_googleapis_com:request_count counter: service_name revision_name location response_code response_code_class
serviceruntime_googleapis_com:api_request_count counter: service method version location credential_id response_code response_code_class grpc_status_code protocol
serviceruntime_googleapis_com:quota_allocation_usage gauge: service location quota_metric
serviceruntime_googleapis_com:quota_exceeded gauge: service location quota_metric limit_name
serviceruntime_googleapis_com:quota_limit gauge: service location quota_metric limit_name
http_server_request_duration_seconds histogram: job instance http_route http_request_method http_response_status_code
db_client_operation_duration_seconds histogram: job instance db_system_name db_operation_name error_type
pg_stat_database_numbackends gauge: instance job datname
pg_settings_max_connections gauge: instance job
postgresql_backends gauge: instance job db_namespace postgresql_database_name
postgresql_connection_max gauge: instance job
postgresql_wal_lag_seconds gauge: instance job operation replication_client
postgresql_commits_total counter: instance job db_namespace postgresql_database_name
postgresql_rollbacks_total counter: instance job db_namespace postgresql_database_name
mysql_replica_time_behind_source_seconds gauge: instance job
redis_memory_used_bytes gauge: instance job
redis_maxmemory_bytes gauge: instance job
redis_keyspace_hits_total counter: instance job
redis_keyspace_misses_total counter: instance job
otelcol_exporter_queue_size gauge: instance job exporter data_type
otelcol_exporter_queue_capacity gauge: instance job exporter data_type
otelcol_exporter_send_failed_spans_total counter: instance job exporter
otelcol_exporter_send_failed_metric_points_total counter: instance job exporter
otelcol_exporter_send_failed_log_records_total counter: instance job exporter
otelcol_exporter_enqueue_failed_spans_total counter: instance job exporter
otelcol_exporter_enqueue_failed_metric_points_total counter: instance job exporter
otelcol_exporter_enqueue_failed_log_records_total counter: instance job exporter
"""
_LISTS = "https://cloud.google.com/monitoring/api/metrics_"
PAGES = {
    f"{prefix}:": f"{_LISTS}{page}"
    for page, prefixes in {
        "gcp_a_b": ("aiplatform_googleapis_com",),
        "gcp_c": ("cloudsql_googleapis_com",),
        "gcp_i_o": ("loadbalancing_googleapis_com", "logging_googleapis_com"),
        "gcp_p_z": (
            "pubsub_googleapis_com",
            "redis_googleapis_com",
            "run_googleapis_com",
            "serviceruntime_googleapis_com",
        ),
        "kubernetes": ("kubernetes_io",),
    }.items()
    for prefix in prefixes
}
"""The page that lists the metrics of each prefix of Google's, as of November 2026."""
_SHARED = {"monitored_resource", "project_id"}


def _parse(line: str) -> tuple[str, str, frozenset[str]]:
    head, _, labels = line.partition(": ")
    name, kind = head.split()
    return name, kind, frozenset({*labels.split(), *_SHARED})


def _series(name: str, kind: str, labels: frozenset[str]) -> dict[str, tuple[MetricKind, frozenset[str]]]:
    """The series of a metric: a histogram has buckets, and counts that grow as counters do."""
    if kind != "histogram":
        return {name: (MetricKind(kind), labels)}
    return {
        f"{name}_bucket": (MetricKind.COUNTER, labels | {"le"}),
        f"{name}_count": (MetricKind.COUNTER, labels),
        f"{name}_sum": (MetricKind.COUNTER, labels),
    }


FOREIGN = {series: labels for line in _LINES.split("\n") if line for series, labels in _series(*_parse(line)).items()}
"""MetricKind and labels of each series by its name."""
