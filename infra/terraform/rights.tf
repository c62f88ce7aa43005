# What each function may do, and nothing beyond: what it publishes, which tables it reads and writes, whether it runs
# queries, keeps documents, writes metrics and reads them. A function that is not here is refused. The grants are in modules/function.

locals {
  # The tables that the settings name, dataset.table or project.dataset.table.
  model_tables = distinct(flatten([for model in try(local.settings.models, []) : compact([model.table, try(model.label.table, "")])]))
  # The tables whose age is probed.
  probed_tables = distinct([for probe in try(local.settings.probes, []) : probe.table if try(probe.kind == "bigquery", false)])
  # Who reads a view reads what it reads as well.
  scores = flatten([for name in ["drift_scores", "model_performance", "model_group_performance"] : ["ops.${name}", "ops.${name}_raw"]])

  # Which version is in use; another model of a registry is passed over, so that whoever takes versions knows the models.
  versions = ["ops.model_versions_in_use", "ops.model_versions", "ops.model_aliases"]
  mlflow   = can(local.settings.registry.mlflow.url)

  mlflow_webhook = can(local.settings.registry.mlflow.webhook_secret)

  # Those that the section business names, and those that bi_rollup keeps.
  business_tables = distinct([for section in ["orders", "rates", "exposures", "spending", "market", "billing"] : local.settings.business[section].table if can(local.settings.business[section].table)])
  marts           = [for name in keys(local.tables) : name if startswith(name, "marts.") && name != "marts.service_minutes"] # which service_rollup keeps

  # What reports read, beside what bi_rollup keeps.
  reported = concat(local.scores, ["ops.action_decisions", "ops.pipeline_runs", "ops.data_quality", "ops.data_quality_raw", "ops.models", "telemetry.partner_calls"])

  rights = {
    drift_score = {
      publishes = ["findings", "retraining", "scoring"]
      reads     = concat(local.model_tables, local.versions, ["ops.models"])
      datasets  = var.prediction_datasets
      writes    = ["ops.drift_scores_raw", "ops.model_performance_raw", "ops.model_group_performance_raw", "ops.data_quality_raw", "ops.dead_letters", "ops.profile_cells", "ops.cell_counts", "ops.window_counts", "ops.window_distributions"]
      store     = "roles/datastore.user"
    }
    health_check = {
      publishes = ["findings"]
      reads     = local.probed_tables
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
      charts    = true # which alert rules have data
    }
    alert_intake = {
      # A version that a webhook of MLflow names; silences that amtool makes.
      publishes = concat(["findings"], local.mlflow ? ["pipeline-runs"] : [], contains(var.secrets, "AIA_SILENCES_TOKEN") ? ["commands"] : [])
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user" # what each of several replicas of a sender says, and what amtool reads
      settings  = false
    }
    command_intake = {
      publishes = concat(["commands"], local.mlflow_webhook ? ["pipeline-runs"] : [])
      store     = "roles/datastore.user"
    }
    incident_router = {
      publishes = ["incidents", "actions", "incident-decisions", "findings"] # a finding where a channel takes no messages
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    incident_sweep = {
      publishes = ["incidents", "actions", "incident-decisions", "findings", "sweeps"]
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    action_runner = {
      publishes = concat(["action-decisions", "findings"], contains(local.acting, "retrain_model") ? ["retraining"] : [])
      reads     = contains(local.actions, "retrain_model") ? concat(local.model_tables, local.versions, ["ops.models", "ops.training_results"]) : []
      datasets  = contains(local.actions, "retrain_model") ? var.prediction_datasets : []
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    pipeline_monitor = {
      publishes = ["findings"]
      reads     = concat(["ops.pipeline_runs", "ops.models"], local.mlflow ? ["ops.model_versions", "ops.model_aliases"] : [])
      writes    = concat(["ops.pipeline_runs", "ops.dead_letters"], local.mlflow ? ["ops.model_versions", "ops.model_aliases"] : [])
      store     = "roles/datastore.user"
      charts    = true # what stages used of their machines
    }
    audit_events = {
      publishes = ["findings"]
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    retrain = {
      publishes = ["pipeline-runs", "findings"]
      reads     = concat(local.versions, ["ops.models", "ops.training_results", "marts.costs_daily"])
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    promotion = {
      publishes = ["findings"]
      reads     = concat(local.model_tables, local.versions, ["ops.models", "ops.shadow_predictions", "marts.customer_arm_days"])
      datasets  = var.prediction_datasets
      writes    = ["ops.model_aliases", "ops.experiment_looks", "ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    otlp = {
      publishes = ["telemetry"]
      writes    = ["ops.dead_letters"]
    }
    service_rollup = {
      reads  = ["telemetry.spans", "telemetry.metric_points", "telemetry.log_records", "marts.service_minutes"]
      writes = ["marts.service_minutes", "ops.dead_letters"]
    }
    maintenance = {
      # A dead letter goes back to where it came from. What is backed up is granted in maintenance.tf.
      publishes = distinct(concat(["findings"], flatten([for name, one in local.functions : [for trigger in one.triggers : trigger.topic]])))
      reads     = ["ops.dead_letters", "ops.incident_changes"]
      writes    = concat(["ops.dead_letters", "ops.maintenance_runs"], [for name in keys(try(local.settings.upkeep.retention, {})) : name if contains(keys(local.tables), name)])
      store     = "roles/datastore.user"
    }
    telemetry_rollup = {
      publishes = ["findings"]
      reads     = ["telemetry.experience", "telemetry.partner_calls"]
      writes    = ["ops.dead_letters"]
      store     = "roles/datastore.user"
    }
    capacity = {
      publishes = ["findings"]
      writes    = ["ops.capacity_forecasts_raw", "ops.dead_letters"]
      store     = "roles/datastore.user"
      charts    = true # the usage of resources
    }
    bi_rollup = {
      reads    = concat(local.business_tables, local.model_tables, local.reported, ["ops.recommendation_decisions", "ops.incident_changes", "telemetry.answers", "telemetry.experience"])
      datasets = var.prediction_datasets
      writes   = concat([for name in local.marts : name if name != "marts.service_minutes"], ["ops.revenue_forecasts", "ops.revenue_forecast_totals", "ops.dead_letters"])
      store    = "roles/datastore.user"
      charts   = length([for resource in values(try(local.settings.resources, {})) : 1 if try(resource.endpoint, "") != ""]) > 0
    }
    api = {
      publishes = ["commands", "retraining", "telemetry"] # what browsers report, and answers to surveys
      reads     = concat(local.reported, local.marts, local.versions, ["backups.manifests", "ops.dead_letters", "ops.commands", "ops.maintenance_runs", "ops.incident_changes", "ops.incident_decisions", "ops.incident_decisions_raw", "ops.experiment_looks", "ops.retraining_requests", "ops.training_results", "ops.window_distributions", "ops.recommendation_decisions", "ops.findings", "ops.capacity_forecasts", "ops.capacity_forecasts_raw", "ops.revenue_forecasts", "ops.revenue_forecast_totals", "telemetry.spans"])
      writes    = ["ops.models", "ops.recommendation_decisions"]
      store     = "roles/datastore.user" # the keys of requests, tokens and approvals
      metrics   = false
      charts    = true
    }
  }

  right = {
    for name in keys(local.functions) : name => {
      # Who writes documents tells of it.
      publishes = concat(try(local.rights[name].publishes, []), try(local.rights[name].store, "") == "roles/datastore.user" ? ["changes"] : [])
      reads     = try(local.rights[name].reads, [])
      datasets  = try(local.rights[name].datasets, [])
      writes    = try(local.rights[name].writes, [])
      store     = try(local.rights[name].store, null)
      settings  = try(local.rights[name].settings, true)
      metrics   = try(local.rights[name].metrics, true)
      charts    = try(local.rights[name].charts, false)
    }
  }
}
