# The module by itself: a function with two triggers, a secret and all rights.

mock_provider "google" {}

variables {
  project      = "example-project"
  region       = "europe-west1"
  name         = "price_check"
  archives     = ["price_check-0123456789abcdef.zip"]
  source_in    = { folder = "packages", bucket = "sources" }
  build        = { runtime = "python311", account = "projects/example-project/serviceAccounts/builder", repository = "images", images = "europe-west1-docker.pkg.dev/example-project/images" }
  resources    = { memory = "512Mi", timeout_seconds = 120, max_instances = 3 }
  environment  = { GOOGLE_CLOUD_PROJECT = "example-project" }
  secrets      = { PAGERDUTY_KEY = "pagerduty-key" }
  retry        = { minimum_backoff_seconds = 1, maximum_backoff_seconds = 60, max_delivery_attempts = 100 }
  push_account = "aia-push@example-project.iam.gserviceaccount.com"
  pubsub_agent = "serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com"
  triggers = {
    price-check       = { topic = "projects/p/topics/ticks", dead_letter_topic = "projects/p/topics/ticks-dead-letter", filter = "attributes.job = \"price_check\"", ack_deadline_seconds = 60, retention_seconds = 600 }
    price-check-other = { topic = "projects/p/topics/other", dead_letter_topic = "projects/p/topics/other-dead-letter", ack_deadline_seconds = 120 }
  }
  rights = {
    publishes = { findings = "projects/p/topics/findings" }
    reads     = ["shop.prices", "elsewhere-project.shop.orders"]
    writes    = ["ops.dead_letters"]
    store     = { role = "roles/datastore.user", database = "aia-store" }
    metrics   = true
    charts    = true
  }
}

run "function" {
  module {
    source = "./modules/function"
  }
  assert {
    condition     = google_service_account.this.account_id == "fn-price-check" && google_cloudfunctions2_function.this[0].service_config[0].service_account_email == output.account && output.account == "fn-price-check@example-project.iam.gserviceaccount.com"
    error_message = "It must run as its own account."
  }
  assert {
    condition     = google_storage_bucket_object.archive.name == "price_check-0123456789abcdef.zip" && google_cloudfunctions2_function.this[0].build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.archive.name
    error_message = "It must be built of the archive that is named by its hash."
  }
  assert {
    condition     = google_cloudfunctions2_function.this[0].name == "price-check" && google_cloudfunctions2_function.this[0].service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY" && google_cloudfunctions2_function.this[0].build_config[0].service_account == var.build.account
    error_message = "It must be reached from inside only, and built by the account for it."
  }
  assert {
    condition     = google_cloudfunctions2_function.this[0].service_config[0].secret_environment_variables[0].key == "PAGERDUTY_KEY" && google_secret_manager_secret_iam_member.reads["PAGERDUTY_KEY"].member == "serviceAccount:${output.account}" && google_secret_manager_secret_iam_member.reads["PAGERDUTY_KEY"].role == "roles/secretmanager.secretAccessor"
    error_message = "It must read its secret."
  }
  assert {
    condition     = !contains(keys(google_cloudfunctions2_function.this[0].service_config[0].environment_variables), "PAGERDUTY_KEY")
    error_message = "A secret must not stand in the environment."
  }

  # Its subscriptions.
  assert {
    condition     = alltrue([for name, one in google_pubsub_subscription.push : one.name == name && one.push_config[0].oidc_token[0].service_account_email == var.push_account && one.push_config[0].push_endpoint == output.url])
    error_message = "Every trigger must push with the token of the account for it."
  }
  assert {
    condition     = alltrue([for name, one in google_pubsub_subscription.push : one.dead_letter_policy[0].dead_letter_topic == var.triggers[name].dead_letter_topic && one.dead_letter_policy[0].max_delivery_attempts == 100 && one.retry_policy[0].minimum_backoff == "1s" && one.retry_policy[0].maximum_backoff == "60s" && one.expiration_policy[0].ttl == ""])
    error_message = "Every subscription must retry, have a dead-letter policy and never expire."
  }
  assert {
    condition     = google_pubsub_subscription.push["price-check"].filter == "attributes.job = \"price_check\"" && google_pubsub_subscription.push["price-check-other"].filter == null && google_pubsub_subscription.push["price-check"].message_retention_duration == "600s" && google_pubsub_subscription.push["price-check-other"].message_retention_duration == "604800s" && google_pubsub_subscription.push["price-check-other"].ack_deadline_seconds == 120
    error_message = "Filter, retention and deadline must be those of the trigger."
  }
  assert {
    condition     = toset(keys(google_pubsub_subscription_iam_member.dead_letter)) == toset(keys(var.triggers)) && alltrue([for one in google_pubsub_subscription_iam_member.dead_letter : one.role == "roles/pubsub.subscriber" && one.member == var.pubsub_agent])
    error_message = "Pub/Sub's account must subscribe to every source."
  }
  assert {
    condition     = toset([for one in google_cloud_run_v2_service_iam_member.invokes : "${one.role} ${one.member} ${one.name}"]) == toset(["roles/run.invoker serviceAccount:${var.push_account} price-check"])
    error_message = "The push account, and nobody else, must call the service."
  }

  # Its rights.
  assert {
    condition     = alltrue([for one in concat(values(google_pubsub_topic_iam_member.publishes), values(google_bigquery_table_iam_member.reads), values(google_bigquery_table_iam_member.writes), google_project_iam_member.queries, google_project_iam_member.keeps, google_project_iam_member.measures, google_project_iam_member.charts) : one.member == "serviceAccount:${output.account}"])
    error_message = "Its rights must be its own."
  }
  assert {
    condition     = google_bigquery_table_iam_member.reads["elsewhere-project.shop.orders"].project == "elsewhere-project" && google_bigquery_table_iam_member.reads["shop.prices"].project == "example-project" && google_bigquery_table_iam_member.reads["shop.prices"].role == "roles/bigquery.dataViewer" && google_bigquery_table_iam_member.writes["ops.dead_letters"].role == "roles/bigquery.dataEditor"
    error_message = "It must read the tables it reads, where they are, and write those it writes."
  }
  assert {
    condition     = google_project_iam_member.keeps[0].condition[0].expression == "resource.name == \"projects/example-project/databases/aia-store\""
    error_message = "It must keep documents in its own database only."
  }
  assert {
    condition     = google_project_iam_member.measures[0].role == "roles/monitoring.metricWriter" && google_project_iam_member.charts[0].role == "roles/monitoring.viewer"
    error_message = "It must write metrics and read them, and no more of monitoring."
  }
}

run "without_triggers_nobody_calls" {
  module {
    source = "./modules/function"
  }
  command = plan
  variables {
    triggers = {}
    secrets  = {}
    rights   = { publishes = {}, reads = [], writes = [], metrics = false }
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.invokes) + length(google_project_iam_member.queries) + length(google_project_iam_member.keeps) + length(google_project_iam_member.measures) + length(google_project_iam_member.charts) == 0
    error_message = "Nothing may be granted that is not asked for."
  }
}

run "bad_values_are_refused" {
  module {
    source = "./modules/function"
  }
  command = plan
  variables {
    # None, one that no account can be called by, and fewer than Pub/Sub takes.
    archives = []
    name     = "Price-Check"
    retry    = { minimum_backoff_seconds = 1, maximum_backoff_seconds = 60, max_delivery_attempts = 4 }
  }
  expect_failures = [var.archives, var.name, var.retry]
}
