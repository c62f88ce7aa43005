# What this apply made. `maintenance` compares it each hour with what there is (docs/maintenance.md, configuration check): alert policies,
# dashboards, functions, grants on the project and secrets. No value of a variable is in it, only its digest.

locals {
  record = {
    settings = filesha256(coalesce(var.settings, "${local.infra}/monitoring.yaml"))
    secrets  = sort([for secret in google_secret_manager_secret.this : secret.secret_id])

    accounts = sort([for account in concat([local.push_account, local.builder], [for function in module.function : function.account]) : "serviceAccount:${account}"])

    grants = [
      for grant in concat(
        flatten([for function in module.function : function.grants]),
        values(google_project_iam_member.registry),
        values(google_project_iam_member.trainer_queries),
        google_project_iam_member.actions[*],
        google_project_iam_member.aliases[*],
        google_project_iam_member.builder_copies[*],
        google_project_iam_member.builder_logs[*],
        google_project_iam_member.configuration[*],
        google_project_iam_member.models_seen[*],
        google_project_iam_member.pipeline_runs[*],
        google_project_iam_member.probes[*],
        google_project_iam_member.promotion[*],
        google_project_iam_member.retraining[*],
        google_project_iam_member.scoring[*],
        google_project_iam_member.security_scan[*],
      ) :
      { member = grant.member, role = grant.role, condition = try(grant.condition[0].expression, "") } if grant.project == var.project
    ]

    functions = [
      for name, function in module.function : {
        name        = function.service
        archive     = function.archive
        settings    = lookup(local.packaged_settings, name, "")
        environment = { for variable, value in function.environment : variable => sha256(value) }
        secrets     = { for variable, secret in function.secrets : variable => "${secret}:latest" }
      }
    ]

    policies = [
      for policy in concat(
        values(google_monitoring_alert_policy.rule),
        values(google_monitoring_alert_policy.burn),
        values(google_monitoring_alert_policy.uptime),
      ) :
      {
        name                 = policy.name
        displayName          = policy.display_name
        enabled              = true
        severity             = policy.severity == null ? "" : policy.severity
        combiner             = policy.combiner
        notificationChannels = policy.notification_channels
        conditions = [
          for condition in policy.conditions : merge(
            { displayName = condition.display_name },
            { for query in condition.condition_prometheus_query_language : "conditionPrometheusQueryLanguage" => {
              query              = query.query
              duration           = query.duration
              evaluationInterval = query.evaluation_interval
            } },
            { for limit in condition.condition_threshold : "conditionThreshold" => {
              filter         = limit.filter
              comparison     = limit.comparison
              thresholdValue = limit.threshold_value
              duration       = limit.duration
              aggregations = [for one in limit.aggregations : {
                alignmentPeriod    = one.alignment_period
                perSeriesAligner   = one.per_series_aligner == null ? "" : one.per_series_aligner
                crossSeriesReducer = one.cross_series_reducer == null ? "" : one.cross_series_reducer
                groupByFields      = one.group_by_fields == null ? [] : one.group_by_fields
              }]
            } },
          )
        ]
      }
    ]

    dashboards = [for name, dashboard in google_monitoring_dashboard.this : { id = dashboard.id, content = jsondecode(local.dashboards[name].text) }]
  }
  # What `make package` noted of the settings in each archive.
  packaged_settings = try(jsondecode(file("${local.packages}/settings.json")), {})
  record_name       = "deployment.json"

  # By this label the check knows policies of this system that nobody deployed; resources have it by default_labels.
  our_label = { system = "aia" }
  records   = contains(keys(local.functions), "maintenance")
}

resource "google_storage_bucket_object" "record" {
  name         = local.record_name
  bucket       = google_storage_bucket.sources.name
  content      = jsonencode(local.record)
  content_type = "application/json"
}

resource "google_storage_bucket_iam_member" "record" {
  count  = local.records ? 1 : 0
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${module.function["maintenance"].account}"

  condition {
    title      = "the record of the last apply"
    expression = "resource.name == \"projects/_/buckets/${google_storage_bucket.sources.name}/objects/${local.record_name}\""
  }
}

# The check lists alert policies, dashboards, functions and services, which have no smaller grant than on a project, and the versions of secrets,
# which say no value.
resource "google_project_iam_custom_role" "configuration" {
  count       = local.records ? 1 : 0
  role_id     = "aiaConfiguration${var.role_suffix}"
  title       = "Lists what is deployed"
  description = "Alert policies, dashboards, functions and services; changes none."
  permissions = ["cloudfunctions.functions.list", "monitoring.alertPolicies.list", "monitoring.dashboards.list", "run.services.list"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "configuration" {
  count   = local.records ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.configuration[0].role_id}"
  member  = "serviceAccount:${module.function["maintenance"].account}"
}

resource "google_project_iam_custom_role" "secret_versions" {
  count       = local.records && length(var.secrets) > 0 ? 1 : 0
  role_id     = "aiaSecretVersions${var.role_suffix}"
  title       = "Lists versions of secrets"
  description = "How old they are, and their states; reads no value."
  permissions = ["secretmanager.versions.list"]

  depends_on = [google_project_service.this]
}

resource "google_secret_manager_secret_iam_member" "versions" {
  for_each  = toset(local.records ? var.secrets : [])
  project   = var.project
  secret_id = google_secret_manager_secret.this[each.value].secret_id
  role      = "projects/${var.project}/roles/${google_project_iam_custom_role.secret_versions[0].role_id}"
  member    = "serviceAccount:${module.function["maintenance"].account}"
}
