# Who may read which secret, who may come in, what action_runner may change, and who may start trainings.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/access"
  notification_emails = ["ml-on-call@example.com"]
  settings            = "tests/samples/settings.yaml"
  environment         = { SHOP_URL = "https://shop.example.com/" }
  alerts              = "tests/samples/alerts_valid"
  dashboards          = "tests/samples/dashboards_valid"
  secrets             = ["PAGERDUTY_KEY", "OTHER_PAGERDUTY_KEY", "SLACK_WEBHOOK_URL", "TEAMS_WEBHOOK_URL", "OTHER_TEAMS_WEBHOOK_URL", "SMTP_PASSWORD", "PARTNER_TOKEN", "AIA_REDIS_PASSWORD", "SLACK_SIGNING_SECRET", "PAGERDUTY_WEBHOOK_SECRET", "MAIL_LINKS_SECRET", "MLFLOW_TOKEN", "MLFLOW_WEBHOOK_SECRET"]
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/access"
  }
}

run "secrets" {
  command = plan
  variables {
    alerts = null # those of infra/alerts
  }

  assert {
    condition     = toset([for name in keys(local.rules) : name if endswith(name, "Silent") && contains(keys(google_monitoring_alert_policy.rule), name)]) == toset(["ActionRunnerSilent", "AlertIntakeSilent", "DriftScoreSilent", "HealthCheckSilent", "IncidentRouterSilent", "IncidentSweepSilent"])
    error_message = "What the settings do not schedule must not be missed: its alert would fire for ever."
  }

  assert {
    condition = output.secrets == {
      PAGERDUTY_KEY           = toset(["incident_router", "incident_sweep"])
      OTHER_PAGERDUTY_KEY     = toset(["incident_router", "incident_sweep"])
      SLACK_WEBHOOK_URL       = toset(["incident_router", "incident_sweep"])
      TEAMS_WEBHOOK_URL       = toset(["incident_router", "incident_sweep"])
      OTHER_TEAMS_WEBHOOK_URL = toset(["incident_router", "incident_sweep"])
      SMTP_PASSWORD           = toset(["bi_rollup", "incident_router", "incident_sweep"]) # a report is sent by mail
      PARTNER_TOKEN           = toset(["health_check"])
      AIA_REDIS_PASSWORD      = toset(["action_runner"])

      SLACK_SIGNING_SECRET     = toset(["command_intake"])
      PAGERDUTY_WEBHOOK_SECRET = toset(["command_intake"])
      MAIL_LINKS_SECRET        = toset(["command_intake", "incident_router", "incident_sweep"])
      MLFLOW_TOKEN             = toset(["pipeline_monitor", "promotion"])
      MLFLOW_WEBHOOK_SECRET    = toset(["command_intake"])
    }
    error_message = "A secret must be read by the functions that need it and by no other."
  }
  assert {
    condition     = length(google_secret_manager_secret.this) == 13 && google_secret_manager_secret.this["PAGERDUTY_KEY"].secret_id == "pagerduty-key"
    error_message = "Every secret must be there to be filled."
  }
  assert {
    condition     = local.environments["drift_score"]["PAGERDUTY_KEY"] == "00000000000000000000000000000006" && local.environments["api"]["SLACK_WEBHOOK_URL"] == "https://withheld.invalid/SLACK_WEBHOOK_URL" && !contains(keys(local.environments["incident_router"]), "PAGERDUTY_KEY")
    error_message = "Who does not use a secret must have something else in its place."
  }
}

run "open_intake_and_a_load_balancer" {
  command = plan
  variables {
    settings            = null
    environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
    alert_intake_public = true
    secrets             = ["AIA_INTAKE_TOKEN", "AIA_OTLP_TOKEN"]
    api_ingress         = "ALLOW_INTERNAL_AND_GCLB"
    api_url             = "https://aia.example.com"
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
    condition     = output.secrets["AIA_INTAKE_TOKEN"] == toset(["alert_intake"]) && local.environments["alert_intake"]["AIA_PUSH_AUDIENCE"] == "https://alert-intake-123456789012.europe-west1.run.app" && local.environments["alert_intake"]["AIA_PUSH_ACCOUNT"] == "aia-push@example-project.iam.gserviceaccount.com"
    error_message = "An intake that is open must authenticate both webhooks and pushes."
  }
  assert {
    condition     = output.secrets["AIA_OTLP_TOKEN"] == toset(["otlp"]) && local.ingress["otlp"] == "ALLOW_ALL" && local.environments["otlp"]["AIA_PUSH_AUDIENCE"] == "https://otlp-123456789012.europe-west1.run.app"
    error_message = "Where applications have a token, otlp must be open, and authenticate both them and pushes."
  }
  assert {
    condition     = google_monitoring_uptime_check_config.this["alert_intake"].http_check[0].accepted_response_status_codes[0].status_value == 405 && length(google_monitoring_uptime_check_config.this["alert_intake"].http_check[0].service_agent_authentication) == 0
    error_message = "An open intake must be looked at from outside, without a token."
  }
  assert {
    condition     = toset(flatten([for name, members in local.invokers : [for member in members : name if startswith(member, "all")]])) == toset(["alert_intake", "otlp"])
    error_message = "Nothing else may be public."
  }

  assert {
    condition     = alltrue([for name in ["health_check", "incident_router"] : local.environments[name]["AIA_API_URL"] == "https://aia.example.com"])
    error_message = "Probes and messages must lead to the load balancer."
  }
  assert {
    condition     = google_monitoring_uptime_check_config.this["api"].monitored_resource[0].labels["host"] == "api-123456789012.europe-west1.run.app"
    error_message = "The uptime check must look at the service itself: it counts as inside."
  }
}

run "actions_people_and_own_keys" {
  command = plan
  variables {
    api_users       = ["group:ml@example.com"]
    publishers      = { telemetry = ["serviceAccount:shop@shop-project.iam.gserviceaccount.com"], otlp = ["serviceAccount:collector@shop-project.iam.gserviceaccount.com"], alerts = ["group:ml@example.com"] }
    role_suffix     = "2"
    action_accounts = ["shop-runtime@shop-project.iam.gserviceaccount.com", "pipelines@example-project.iam.gserviceaccount.com"]
    kms_key         = "projects/example-project/locations/europe-west1/keyRings/aia/cryptoKeys/aia"
    vpc_connector   = "projects/example-project/locations/europe-west1/connectors/aia"
    protect         = false
    budget          = { billing_account = "012345-6789AB-CDEF01", amount = 50 }
  }

  assert {
    condition     = toset(google_project_iam_custom_role.actions[0].permissions) == toset(["aiplatform.endpoints.deploy", "aiplatform.endpoints.get", "aiplatform.pipelineJobs.cancel", "aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list", "container.clusters.connect", "logging.logEntries.list"])
    error_message = "action_runner must have what the playbooks name, and no more."
  }
  assert {
    condition     = [google_project_iam_custom_role.actions[0].role_id, google_project_iam_custom_role.keys[0].role_id, google_project_iam_custom_role.pipeline_runs.role_id] == ["aiaActions2", "aiaRevokeAccess2", "aiaPipelineRuns2"] && google_project_iam_member.pipeline_runs.role == "projects/example-project/roles/aiaPipelineRuns2"
    error_message = "Every role must have another name where one is asked for, or nobody could come back within a month."
  }
  assert {
    condition     = toset(google_project_iam_custom_role.keys[0].permissions) == toset(["iam.serviceAccountKeys.list"])
    error_message = "Where no playbook acts, it must only read."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.actions) == 1 && alltrue([for one in google_cloud_run_v2_service_iam_member.actions : one.project == "shop-project" && one.location == "europe-west4" && one.name == "shop" && one.role == "roles/run.developer" && one.member == "serviceAccount:fn-action-runner@example-project.iam.gserviceaccount.com"])
    error_message = "It must restart the services that the settings name, and no others."
  }
  assert {
    condition     = toset([for one in google_service_account_iam_member.acts_as : "${one.role} ${one.service_account_id}"]) == toset(["roles/iam.serviceAccountUser projects/shop-project/serviceAccounts/shop-runtime@shop-project.iam.gserviceaccount.com", "roles/iam.serviceAccountUser projects/example-project/serviceAccounts/pipelines@example-project.iam.gserviceaccount.com"])
    error_message = "It must act as the accounts that are named."
  }
  assert {
    condition     = contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Vertex AI must be enabled where an action uses it."
  }

  assert {
    condition     = local.invokers["api"] == toset(["group:ml@example.com"]) && length(local.invokers["alert_intake"]) == 0
    error_message = "The api must be called by its users, and the intake by nobody but Pub/Sub."
  }
  assert {
    condition     = local.invokers["command_intake"] == toset(["allUsers"]) && local.ingress["command_intake"] == "ALLOW_ALL" && local.environments["incident_router"]["AIA_COMMAND_INTAKE_URL"] == "https://command-intake-123456789012.europe-west1.run.app"
    error_message = "Where the settings take answers, command_intake must be open, and mails must link to it."
  }
  assert {
    condition     = toset([for one in google_pubsub_topic_iam_member.outside : "${one.role} ${one.topic} ${one.member}"]) == toset(["roles/pubsub.publisher telemetry serviceAccount:shop@shop-project.iam.gserviceaccount.com", "roles/pubsub.publisher otlp serviceAccount:collector@shop-project.iam.gserviceaccount.com", "roles/pubsub.publisher alerts group:ml@example.com"])
    error_message = "Who publishes from outside must publish to the topics that are named, and no others."
  }
  assert {
    condition     = google_cloud_run_v2_service_iam_member.uptime.member == local.agents.monitoring && google_cloud_run_v2_service_iam_member.uptime.name == "api" && google_cloud_run_v2_service_iam_member.uptime.role == "roles/run.invoker"
    error_message = "The uptime check must be allowed to call the api."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.probes) == 0
    error_message = "Where no probe proves who it is, health_check must not be allowed to call the api."
  }

  assert {
    condition     = alltrue([for topic in google_pubsub_topic.this : topic.kms_key_name == var.kms_key]) && google_artifact_registry_repository.functions.kms_key_name == var.kms_key && google_storage_bucket.sources.encryption[0].default_kms_key_name == var.kms_key && google_firestore_database.this.cmek_config[0].kms_key_name == var.kms_key && alltrue([for one in google_bigquery_table.this : one.encryption_configuration[0].kms_key_name == var.kms_key])
    error_message = "Everything must be encrypted with the key."
  }
  assert {
    condition     = contains([for one in google_kms_crypto_key_iam_member.this : one.member], "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com") && alltrue([for one in google_kms_crypto_key_iam_member.this : one.role == "roles/cloudkms.cryptoKeyEncrypterDecrypter"])
    error_message = "Google's services must use the key."
  }
  assert {
    condition     = !anytrue([for one in google_bigquery_table.this : one.deletion_protection]) && alltrue([for one in google_bigquery_dataset.this : one.delete_contents_on_destroy]) && google_firestore_database.this.delete_protection_state == "DELETE_PROTECTION_DISABLED"
    error_message = "Without protection the system must be possible to take down."
  }
  assert {
    condition     = length(google_billing_budget.this) == 1 && google_billing_budget.this[0].amount[0].specified_amount[0].units == "50"
    error_message = "The budget must be what it was said to be."
  }
}

# Only where a model of the settings has a pipeline, only `retrain`, and as the accounts that they name.
run "pipelines" {
  command = plan
  variables {
    settings    = "tests/samples/retraining.yaml"
    environment = {}
    secrets     = []
  }

  assert {
    condition     = toset(google_project_iam_custom_role.retraining[0].permissions) == toset(["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"])
    error_message = "retrain must start trainings and see them, and no more."
  }
  assert {
    condition     = [for one in google_project_iam_member.retraining : "${one.role} ${one.member}"] == ["projects/example-project/roles/aiaRetraining serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com"]
    error_message = "retrain, and no other, must be granted it."
  }
  assert {
    condition     = toset([for one in google_service_account_iam_member.trains_as : "${one.role} ${one.service_account_id} ${one.member}"]) == toset(["roles/iam.serviceAccountUser projects/example-project/serviceAccounts/trainer@example-project.iam.gserviceaccount.com serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com", "roles/iam.serviceAccountUser projects/shop-project/serviceAccounts/returns@shop-project.iam.gserviceaccount.com serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com"])
    error_message = "It must act as the accounts that the pipelines name."
  }
  assert {
    condition     = contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Vertex AI must be enabled where a pipeline trains."
  }
  assert {
    condition     = toset([for one in google_project_iam_member.registry : "${one.role} ${one.member}"]) == toset(["projects/example-project/roles/aiaRegistry serviceAccount:trainer@example-project.iam.gserviceaccount.com", "projects/example-project/roles/aiaRegistry serviceAccount:returns@shop-project.iam.gserviceaccount.com"])
    error_message = "The accounts of the trainings, and no other, must be able to register versions."
  }
  assert {
    condition     = toset(google_project_iam_custom_role.models_seen[0].permissions) == toset(["aiplatform.models.list"]) && google_project_iam_member.models_seen[0].member == "serviceAccount:fn-pipeline-monitor@example-project.iam.gserviceaccount.com"
    error_message = "pipeline_monitor must be able to see whether the registry answers, and no more."
  }
}

# Where a pipeline scores challengers, only `promotion` starts it, as the account that it names, which reads what is scored.
run "scoring" {
  command = plan
  plan_options {
    target = [
      google_artifact_registry_repository_iam_member.template,
      google_bigquery_table_iam_member.trained_on,
      google_bigquery_table_iam_member.written_by_trainings,
      google_project_iam_custom_role.promotion,
      google_project_iam_member.promotion,
      google_project_iam_member.retraining,
      google_project_iam_member.scoring,
      google_service_account_iam_member.scores_as,
      google_service_account_iam_member.trains_as,
      terraform_data.checked,
    ]
  }
  variables {
    settings    = "tests/samples/scoring.yaml"
    environment = {}
    secrets     = []
  }

  assert {
    condition     = [for one in google_project_iam_member.scoring : "${one.role} ${one.member}"] == ["projects/example-project/roles/aiaRetraining serviceAccount:fn-promotion@example-project.iam.gserviceaccount.com"] && length(google_project_iam_member.retraining) == 0
    error_message = "promotion, and no other, must be granted it."
  }
  assert {
    condition     = [for one in google_service_account_iam_member.scores_as : "${one.service_account_id} ${one.member}"] == ["projects/example-project/serviceAccounts/scorer@example-project.iam.gserviceaccount.com serviceAccount:fn-promotion@example-project.iam.gserviceaccount.com"] && length(google_service_account_iam_member.trains_as) == 0
    error_message = "It must act as the account that the pipeline names."
  }
  assert {
    condition     = toset(keys(google_bigquery_table_iam_member.trained_on)) == toset(["telemetry.flight_predictions scorer@example-project.iam.gserviceaccount.com"]) && toset(keys(google_bigquery_table_iam_member.written_by_trainings)) == toset(["ops.shadow_predictions scorer@example-project.iam.gserviceaccount.com"])
    error_message = "The account must read the predictions and write their scores, and no other table."
  }
  assert {
    condition     = keys(google_artifact_registry_repository_iam_member.template) == ["europe-west1/pipelines scorer@example-project.iam.gserviceaccount.com"]
    error_message = "The account must read its template."
  }
  assert {
    condition     = [for one in google_project_iam_member.promotion : "${one.role} ${one.member}"] == ["projects/example-project/roles/aiaPromotion serviceAccount:fn-promotion@example-project.iam.gserviceaccount.com"] && toset(google_project_iam_custom_role.promotion[0].permissions) == toset(["aiplatform.endpoints.get", "aiplatform.endpoints.update"])
    error_message = "promotion, and no other, must be able to move the traffic of the model's endpoint."
  }
}

# A challenger scores with the model that its training left in the bucket of the trainings.
run "loop" {
  command = plan
  plan_options {
    target = [
      google_storage_bucket_iam_member.scored_from,
      terraform_data.checked,
    ]
  }
  variables {
    settings    = "tests/samples/loop.yaml"
    environment = {}
    secrets     = []
  }

  assert {
    condition     = [for one in google_storage_bucket_iam_member.scored_from : "${one.bucket} ${one.role} ${one.member}"] == ["example-trainings roles/storage.objectViewer serviceAccount:scorer@example-project.iam.gserviceaccount.com"]
    error_message = "The account must read the bucket of the trainings of its model, and no other account and bucket."
  }
}
