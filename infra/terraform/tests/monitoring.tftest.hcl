# Where alerts go, and what a rule and a file of dashboards/ become.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
  mock_resource "google_logging_project_sink" {
    defaults = { writer_identity = "serviceAccount:service-123456789012@gcp-sa-logging.iam.gserviceaccount.com" }
  }
}

# The functions by themselves are another file's: here only what is around them is planned.
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

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/monitoring"
  notification_emails = ["ml-on-call@example.com"]
  watchdog_email      = "1234@hc-ping.example.com"
  environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
  dashboards          = "tests/samples/dashboards_valid"
  settling_seconds    = { accounts = 0, grants = 0 } # there is nothing to wait for
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/monitoring"
  }
}

# Of a goal that one failure would miss, without what is a preview, and without an address of the runbooks.
run "other_choices" {
  command = plan
  variables {
    availability_goal = 0.9999
    long_lookback     = false
  }

  assert {
    condition     = local.floors["fast"] == 695 && google_monitoring_alert_policy.burn["alert_intake/fast"].conditions[2].condition_threshold[0].threshold_value == 695
    error_message = "One failure must not burn the budget fast enough, however high the goal is."
  }
  assert {
    condition = setsubtract(keys(local.rules), keys(google_monitoring_alert_policy.rule)) == toset([
      "AuditLogGap", "BackupNotMade", "ErrorBudgetGoneInOneMonth", "PaymentsBelowLastWeek", "PipelineNotRun", "ProbeBudgetGoneInOneMonth", "RevenueBelowLastWeek",
      "RollupLate", "RowVolumeAnomaly", "ServingTrafficVanished", "SessionsShort",
    ])
    error_message = "Where Google refuses long look-backs, all other rules must be policies all the same."
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this["sample"].dashboard_json).mosaicLayout.tiles[0].widget.text.content == "Drift (docs/runbooks/models.md#drift), [elsewhere](https://example.com/x)"
    error_message = "A link that leads nowhere must be a text."
  }
}

run "essential" {
  command = plan
  variables {
    alert_profile = "essential"
  }

  assert {
    condition     = toset(keys(google_monitoring_alert_policy.rule)) == toset([for name, rule in local.rules : name if name == "Watchdog" || rule.labels["severity"] == "critical" || lookup(rule.labels, "path", "") == "direct"]) && length(google_monitoring_alert_policy.rule) < 30
    error_message = "The essential rules are those that wake people, and those about the way to them."
  }
}

# Applied, since channels have names only then.
run "what_a_file_becomes" {
  variables {
    alerts       = "tests/samples/alerts_valid"
    runbooks_url = "https://example.com/runbooks"
  }

  assert {
    condition     = toset(keys(google_monitoring_alert_policy.rule)) == toset(["SampleHigh", "SampleRouter", "SampleMild", "Watchdog"])
    error_message = "Every rule of every group must become a policy."
  }
  assert {
    condition = jsonencode(google_monitoring_alert_policy.rule["SampleHigh"].conditions[0].condition_prometheus_query_language[0]) == jsonencode({
      alert_rule                = "SampleHigh"
      disable_metric_validation = true
      duration                  = "5400s"
      evaluation_interval       = "120s"
      labels                    = { severity = "error", category = "model_quality", stakeholder = "technical", playbook = "retrain-on-drift", model = "$${model}", team = "Flight Operations" }
      query                     = "aia_sample_ratio > 1"
      rule_group                = "sample"
    })
    error_message = "The condition must be the rule."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["SampleHigh"].user_labels == tomap({ system = "aia", severity = "error", category = "model_quality", stakeholder = "technical", playbook = "retrain-on-drift" })
    error_message = "Labels that policies can have must be theirs, and no others."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["SampleHigh"].severity == "ERROR" && google_monitoring_alert_policy.rule["SampleMild"].severity == null
    error_message = "The severity must be that of the rule, where Cloud Monitoring has it."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["SampleHigh"].documentation[0].subject == "$${metric_or_resource.label.model} is at $${metric.label.value}"
    error_message = "Templates must become variables of Cloud Monitoring."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["SampleHigh"].documentation[0].content == "$${metric_or_resource.label.model} of $${metric_or_resource.label.region} has $${metric.label.value}.\n\nRunbook: https://example.com/runbooks/models.md#drift" && google_monitoring_alert_policy.rule["SampleHigh"].documentation[0].links[0].url == "https://example.com/runbooks/models.md#drift"
    error_message = "The documentation must say what to do, and link it."
  }

  assert {
    condition     = keys(google_monitoring_dashboard.this) == ["sample"]
    error_message = "A file must be a dashboard."
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this["sample"].dashboard_json).mosaicLayout.tiles[0].widget.text.content == "[Drift](https://example.com/runbooks/models.md#drift), [elsewhere](https://example.com/x)"
    error_message = "Links to the runbooks must lead to where they are, and others stay."
  }

  # Where alerts go.
  assert {
    condition     = toset(google_monitoring_alert_policy.rule["SampleRouter"].notification_channels) == toset([google_monitoring_notification_channel.email["ml-on-call@example.com"].name, google_monitoring_notification_channel.alerts.name])
    error_message = "Whoever is told that the way to people is blocked must not be told that way alone."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["Watchdog"].notification_channels == tolist([google_monitoring_notification_channel.watchdog[0].name])
    error_message = "The watchdog must go to whoever expects it, and to nobody else: it never ends."
  }
  assert {
    condition     = google_monitoring_alert_policy.rule["Watchdog"].alert_strategy[0].notification_channel_strategy[0].renotify_interval == "1800s" && toset(google_monitoring_alert_policy.rule["Watchdog"].alert_strategy[0].notification_channel_strategy[0].notification_channel_names) == toset([google_monitoring_notification_channel.watchdog[0].name])
    error_message = "The watchdog must be told every half an hour, and only to the service that expects it."
  }
  assert {
    condition     = alltrue([for name in ["SampleHigh", "SampleMild"] : toset(google_monitoring_alert_policy.rule[name].notification_channels) == toset([google_monitoring_notification_channel.alerts.name])])
    error_message = "Other alerts must go to alert_intake, and to nobody else."
  }
  assert {
    condition     = google_monitoring_notification_channel.alerts.type == "pubsub" && google_monitoring_notification_channel.alerts.labels["topic"] == google_pubsub_topic.this["alerts"].id
    error_message = "alert_intake takes alerts from the topic alerts."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.pipeline_runs.member == google_logging_project_sink.pipeline_runs.writer_identity && google_pubsub_topic_iam_member.pipeline_runs.topic == google_pubsub_topic.this["pipeline-runs"].name && google_logging_project_sink.pipeline_runs.unique_writer_identity
    error_message = "The writer of the log sink must publish to its topic."
  }
  assert {
    condition     = google_pubsub_topic_iam_member.audit_events.member == google_logging_project_sink.audit_events.writer_identity && google_bigquery_dataset_iam_member.audit_history.member == google_logging_project_sink.audit_history.writer_identity && length(google_logging_organization_sink.sign_ins) == 0
    error_message = "The writers of the audit log must publish to its topic and write its dataset."
  }
  assert {
    condition     = toset(google_monitoring_alert_policy.burn["api/fast"].notification_channels) == toset([google_monitoring_notification_channel.alerts.name]) && toset(google_monitoring_alert_policy.burn["alert_intake/fast"].notification_channels) == toset(local.direct_channels)
    error_message = "What the alerts themselves pass must be told of directly."
  }
}
