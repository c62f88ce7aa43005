# What a project id, a region and somebody to tell give. `make plan` prints the plan of the last run here.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/plan"
  notification_emails = ["ml-on-call@example.com"]
  watchdog_email      = "1234@hc-ping.example.com"
  environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/plan"
  }
}

run "project_and_region_are_enough" {
  command = plan
  variables {
    notification_emails = []
    watchdog_email      = null
    environment         = {}
  }

  # The functions by themselves are another run's.
  override_module {
    target = module.function
    outputs = {
      account       = "fn-name@example-project.iam.gserviceaccount.com"
      service       = "name"
      url           = "https://name-123456789012.europe-west1.run.app"
      subscriptions = []
      archive       = "name-0123.zip"
      environment   = {}
      secrets       = {}
      grants        = []
    }
  }

  assert {
    condition     = contains(keys(local.rules), "Watchdog") && !contains(keys(google_monitoring_alert_policy.rule), "Watchdog") && length(google_monitoring_alert_policy.rule) == length(local.rules) - 1
    error_message = "Where nobody expects the watchdog there must be no policy of it: it would call people for ever."
  }

  # Nobody is told then, and that is said.
  expect_failures = [check.people_hear_of_incidents, check.people_hear_of_the_system]
}

run "plan" {
  command = plan

  assert {
    condition     = toset(keys(google_monitoring_dashboard.this)) == toset(["business", "executive", "models", "operations", "technical"])
    error_message = "Every file of dashboards/ must be a dashboard."
  }

  assert {
    condition     = toset(keys(output.accounts)) == toset(keys(local.functions)) && length(toset(values(output.accounts))) == length(local.functions)
    error_message = "Every function must have an account of its own."
  }
  assert {
    condition     = toset(keys(google_cloud_scheduler_job.this)) == toset(keys(yamldecode(file("../monitoring.yaml")).jobs))
    error_message = "Every schedule of the settings must be a job."
  }
  assert {
    condition     = alltrue([for name, job in google_cloud_scheduler_job.this : job.schedule == local.settings.jobs[name] && job.time_zone == "Etc/UTC" && job.pubsub_target[0].attributes["job"] == name])
    error_message = "A job must tick its function by its schedule, in UTC."
  }
  assert {
    condition     = length(setsubtract(yamldecode(file("../functions.yaml")).topics, keys(google_pubsub_topic.this))) == 0
    error_message = "Every topic of functions.yaml must be there."
  }
  assert {
    condition     = toset([for topic in google_pubsub_topic.this : "${topic.name}-dead-letter"]) == toset([for topic in google_pubsub_topic.dead_letter : topic.name]) && toset(keys(google_pubsub_subscription.dead_letter)) == toset(keys(google_pubsub_topic.this))
    error_message = "Every topic must have a dead-letter topic, and that one a subscription that keeps its messages."
  }
  assert {
    condition     = toset([for grant in google_pubsub_topic_iam_member.dead_letter : "${grant.role} ${grant.member}"]) == toset(["roles/pubsub.publisher serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"]) && length(google_pubsub_topic_iam_member.dead_letter) == length(google_pubsub_topic.dead_letter)
    error_message = "Pub/Sub's account must publish to every dead-letter topic."
  }
  assert {
    condition     = toset(keys(google_pubsub_subscription.table)) == toset(keys(local.deployment.tables)) && toset(keys(google_pubsub_subscription_iam_member.table)) == toset(keys(local.deployment.tables))
    error_message = "Every table subscription must be there, and Pub/Sub's account must subscribe to it."
  }
  assert {
    condition     = alltrue([for name, one in local.deployment.tables : google_bigquery_table_iam_member.subscription[one.table].role == "roles/bigquery.dataEditor" && google_bigquery_table_iam_member.subscription[one.table].member == local.agents.pubsub])
    error_message = "Pub/Sub's account must write the tables of its subscriptions."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.alerts.member == "serviceAccount:service-123456789012@gcp-sa-monitoring-notification.iam.gserviceaccount.com" && google_pubsub_topic_iam_member.alerts.role == "roles/pubsub.publisher"
    error_message = "Monitoring's account must publish to the topic alerts."
  }
  assert {
    condition     = toset([for file in fileset("../tables", "*.json") : trimsuffix(file, ".json")]) == toset(keys(google_bigquery_table.this))
    error_message = "Every table of infra/tables must be there."
  }
  assert {
    condition     = toset([for file in fileset("../tables", "*.sql") : trimsuffix(file, ".sql")]) == toset(keys(google_bigquery_table.view)) && alltrue([for name, one in google_bigquery_table.view : can(regex("`${var.project}\\.[a-z]+\\.(?:[a-z_]+_raw|model_versions)`", one.view[0].query)) && !one.view[0].use_legacy_sql])
    error_message = "Every view of infra/tables must be there and read its tables in this project."
  }
  assert {
    condition     = alltrue([for one in google_bigquery_table.this : one.deletion_protection]) && alltrue([for one in google_bigquery_dataset.this : !one.delete_contents_on_destroy]) && google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_ENABLED"
    error_message = "What holds data must be protected."
  }
  assert {
    condition     = alltrue([for one in google_bigquery_dataset.this : [for access in one.access : "${access.role} ${access.special_group}"] == ["OWNER projectOwners"]])
    error_message = "Nobody may read a dataset for being allowed to look at the project."
  }
  assert {
    condition     = alltrue([for name, topic in google_pubsub_topic.this : (topic.message_retention_duration != null) != contains(local.heard, name)])
    error_message = "Where nobody subscribes, messages must be kept for who comes later."
  }
  assert {
    condition     = toset([for field in google_firestore_field.expires_at : field.collection if length(field.ttl_config) == 1]) == toset(["actions", "alert_replicas", "api_replays", "api_requests", "ledger", "slack_threads"])
    error_message = "What may be forgotten must be forgotten, or it grows for ever."
  }
  assert {
    condition     = alltrue([for one in concat(values(google_pubsub_subscription.table), values(google_pubsub_subscription.dead_letter)) : one.expiration_policy[0].ttl == ""])
    error_message = "No subscription may expire."
  }
  assert {
    condition = alltrue([
      for one in google_monitoring_alert_policy.burn :
      one.combiner == "AND" && length(one.conditions) == 3
      && one.conditions[2].condition_threshold[0].aggregations[0].alignment_period == (endswith(one.display_name, "/fast") ? "3600s" : "86400s")
      && one.conditions[2].condition_threshold[0].aggregations[0].per_series_aligner == "ALIGN_DELTA"
      && one.conditions[2].condition_threshold[0].aggregations[0].cross_series_reducer == "REDUCE_SUM"
    ])
    error_message = "An error budget must be told of only where the long window saw enough requests."
  }
  assert {
    condition     = alltrue([for one in google_monitoring_alert_policy.burn : one.conditions[2].condition_threshold[0].threshold_value == (endswith(one.display_name, "/fast") ? 50 : 200) && strcontains(one.conditions[2].condition_threshold[0].filter, "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${replace(one.user_labels.function, "_", "-")}\"")])
    error_message = "One request that fails among few must call nobody."
  }
  assert {
    condition = toset(keys(google_monitoring_alert_policy.rule)) == toset(flatten([
      for file in fileset("../alerts", "*.yaml") : [for group in yamldecode(file("../alerts/${file}")).groups : [for rule in group.rules : rule.alert]]
    ]))
    error_message = "Every alert rule must become a policy."
  }
  # monitoring.tftest.hcl shows which channels they are.
  assert {
    condition     = alltrue([for name in ["AlertIntakeSilent", "DeadLettersWaiting", "FunctionFailing", "IncidentRouterSilent", "IncidentSweepSilent", "NotifyFailures", "StoreFailures"] : length(google_monitoring_alert_policy.rule[name].notification_channels) == 2])
    error_message = "Whoever is told that the way to people is blocked must not be told that way alone."
  }
  assert {
    condition     = alltrue([for name, rule in local.policies : length(google_monitoring_alert_policy.rule[name].notification_channels) == (contains(keys(rule.labels), "path") ? 2 : 1)])
    error_message = "Other alerts must go one way, and to nobody else."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["DriftScoreSilent"].user_labels["stakeholder"] == "technical" && !contains(keys(google_monitoring_alert_policy.rule["DriftScoreSilent"].user_labels), "path")
    error_message = "A policy must say whom it concerns, and not which way it goes."
  }
  assert {
    condition     = alltrue([for one in google_monitoring_alert_policy.rule : tonumber(trimsuffix(one.conditions[0].condition_prometheus_query_language[0].duration, "s")) % 30 == 0 && tonumber(trimsuffix(one.conditions[0].condition_prometheus_query_language[0].evaluation_interval, "s")) % 30 == 0])
    error_message = "Cloud Monitoring counts in half minutes."
  }
  assert {
    condition     = length(google_project_iam_custom_role.actions) == 0 && length(google_cloud_run_v2_service_iam_member.actions) == 0 && length(google_secret_manager_secret.this) == 0 && length(google_billing_budget.this) == 0 && length(google_kms_crypto_key_iam_member.this) == 0
    error_message = "Nothing that nobody asked for may be there: no right to act, no secret, no budget, no key."
  }
  assert {
    condition     = toset([for one in google_cloud_run_v2_service_iam_member.probes : "${one.role} ${one.member} ${one.name}"]) == toset(["roles/run.invoker serviceAccount:fn-health-check@example-project.iam.gserviceaccount.com api"])
    error_message = "health_check must be allowed to call the api that it probes."
  }
  assert {
    condition     = google_storage_bucket_iam_member.builder_reads.role == "roles/storage.objectViewer" && google_artifact_registry_repository_iam_member.builder_writes.role == "roles/artifactregistry.writer" && google_project_iam_member.builder_logs.role == "roles/logging.logWriter" && google_project_iam_member.builder_copies.role == "roles/storage.objectViewer"
    error_message = "The account that builds must read sources, write images and log."
  }
  assert {
    condition     = length(google_project_iam_member.builder_copies.condition) == 1
    error_message = "The account that builds must read the buckets of sources only."
  }
  assert {
    condition     = length(google_project_iam_custom_role.retraining) == 1 && length(google_project_iam_member.retraining) == 1 && length(google_service_account_iam_member.trains_as) == 1
    error_message = "Where a model names a pipeline, retrain may start it, and act as its account."
  }
  assert {
    condition     = contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Where a pipeline trains, Vertex AI must be enabled."
  }
  assert {
    condition     = toset([for one in local.record.functions : one.name]) == toset([for name in keys(local.functions) : replace(name, "_", "-")]) && alltrue([for one in local.record.functions : endswith(one.archive, ".zip") && one.environment["AIA_LOCATION"] == sha256("europe-west1") && contains(keys(one.environment), "THREADS") == (one.name != "api")])
    error_message = "The record of an apply must have every function with its archive, and digests of its environment."
  }
  assert {
    condition     = length(local.record.policies) == length(local.policies) + length(local.burning) + length(local.reached) && length(local.record.dashboards) == length(local.dashboards)
    error_message = "The record of an apply must have every alert policy and dashboard."
  }
  assert {
    condition     = alltrue([for one in concat(values(google_monitoring_alert_policy.rule), values(google_monitoring_alert_policy.burn), values(google_monitoring_alert_policy.uptime)) : one.user_labels["system"] == "aia"])
    error_message = "A policy must have the label of this system."
  }
  assert {
    condition     = contains([for one in local.record.grants : one.role if one.member == "serviceAccount:fn-health-check@example-project.iam.gserviceaccount.com"], "roles/monitoring.viewer") && contains([for one in local.record.grants : one.condition if one.role == "roles/datastore.user"], "resource.name == \"projects/example-project/databases/aia-store\"")
    error_message = "The record of an apply must have the grants on the project, with their conditions."
  }
}
