# Pub/Sub calls every function as this one account.
resource "google_service_account" "push" {
  account_id   = "aia-push"
  display_name = "Pub/Sub calls the functions"
  depends_on   = [google_project_service.this]
}

# Pub/Sub makes the tokens of that account. Its own role allows it in projects made since April 2021.
resource "google_service_account_iam_member" "push_tokens" {
  service_account_id = "projects/${var.project}/serviceAccounts/${local.push_account}"
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.agents.pubsub
  depends_on         = [terraform_data.accounts]
}

locals {
  push_account = "${google_service_account.push.account_id}@${var.project}.iam.gserviceaccount.com"

  # The first subscription of a function is called as it is; further ones FUNCTION-TOPIC.
  triggers = {
    for name, function in local.functions : name => {
      for index, trigger in function.triggers :
      (index == 0 ? replace(name, "_", "-") : "${replace(name, "_", "-")}-${trigger.topic}") => trigger
    }
  }

  # Where nobody said where messages go, they go nowhere: an address that no machine can have (RFC 2606).
  nowhere = "https://inbox.invalid/"
  known = merge({
    AIA_API_URL            = coalesce(var.api_url, local.addresses["api"])
    AIA_COMMAND_INTAKE_URL = local.addresses["command_intake"]
    AIA_INBOX_URL          = local.nowhere
    AIA_PROBE_NETWORKS     = "" # a function has nothing to probe on its own machine
    AIA_WAREHOUSE_ADDRESS  = "bigquery.googleapis.com:443"
  }, var.environment)

  # Each function has what it needs, and a placeholder for the secrets of others that the settings name.
  environments = {
    for name, right in local.right : name => merge(
      { GOOGLE_CLOUD_PROJECT = var.project, AIA_LOCATION = var.region },
      # Models are scored side by side: threads of numpy beside them wait actively, which costs a third of the processor.
      name == "drift_score" ? { OMP_NUM_THREADS = "1" } : {},
      right.store == null ? {} : { AIA_STORE = "firestore://${var.database == "(default)" ? "" : var.database}" },
      right.settings ? local.known : {},
      right.settings ? { for secret, value in local.placeholders : secret => value if !contains(local.readers[secret], name) } : {},
      contains(["api", "incident_router", "incident_sweep"], name) && var.runbooks_url != "" ? { AIA_RUNBOOKS_URL = var.runbooks_url } : {},
      contains(["api", "alert_intake"], name) && length(var.hosts) > 0 ? { AIA_HOSTS = join(",", var.hosts) } : {},
      name == "maintenance" ? { AIA_DEPLOYMENT_RECORD = "${google_storage_bucket.sources.name}/${local.record_name}" } : {},
      # Cloud Run adds the address of the client to X-Forwarded-For; a load balancer before it adds that and its own.
      name == "api" ? { AIA_PROXIES = var.api_ingress == "ALLOW_INTERNAL_AND_GCLB" || strcontains(var.iap_audience, "/backendServices/") ? "2" : "1" } : {},
      name == "api" && var.iap_audience != "" ? { AIA_IAP_AUDIENCE = var.iap_audience } : {},
      name == "api" && var.id_token_audience != "" ? { AIA_ID_TOKEN_AUDIENCE = var.id_token_audience } : {},
      contains(local.authenticating, name) ? { AIA_PUSH_AUDIENCE = local.addresses[name], AIA_PUSH_ACCOUNT = local.push_account } : {},
    )
  }

  # Slack, PagerDuty and browsers reach it where the settings say what it takes from them: all of it is signed.
  command_intake_public = length(try(local.settings.command_intake, {})) > 0 || local.mlflow_webhook

  # Applications outside reach it where there is a token; else only the Collector does, by Pub/Sub.
  otlp_public = contains(var.secrets, "AIA_OTLP_TOKEN")

  # Those that are open to the network and receive messages as well: IAM cannot tell Pub/Sub from the others, so they do.
  authenticating = concat(var.alert_intake_public ? ["alert_intake"] : [], local.otlp_public ? ["otlp"] : [])

  ingress = {
    api            = var.api_ingress
    alert_intake   = var.alert_intake_public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    command_intake = local.command_intake_public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
    otlp           = local.otlp_public ? "ALLOW_ALL" : "ALLOW_INTERNAL_ONLY"
  }
  invokers = {
    api            = var.api_users
    alert_intake   = toset(var.alert_intake_public ? ["allUsers"] : [])
    command_intake = toset(local.command_intake_public ? ["allUsers"] : [])
    otlp           = toset(local.otlp_public ? ["allUsers"] : [])
  }
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  project       = var.project
  region        = var.region
  name          = each.key
  archives      = local.archives[each.key]
  source_in     = { folder = local.packages, bucket = google_storage_bucket.sources.name }
  environment   = local.environments[each.key]
  secrets       = { for secret, readers in local.readers : secret => google_secret_manager_secret.this[secret].secret_id if contains(readers, each.key) }
  retry         = local.retry
  push_account  = local.push_account
  push_audience = contains(local.authenticating, each.key) ? local.addresses[each.key] : null
  pubsub_agent  = local.agents.pubsub
  ingress       = lookup(local.ingress, each.key, "ALLOW_INTERNAL_ONLY")
  invokers      = lookup(local.invokers, each.key, toset([]))
  vpc_connector = var.vpc_connector
  kms_key       = var.kms_key

  build = {
    runtime    = var.runtime
    account    = google_service_account.builder.id
    repository = google_artifact_registry_repository.functions.id
    images     = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.functions.repository_id}"
  }
  resources = {
    memory          = each.value.memory
    concurrency     = try(each.value.concurrency, null)
    timeout_seconds = max(60, [for trigger in each.value.triggers : trigger.ack_deadline_seconds]...)
    min_instances   = lookup(var.min_instances, each.key, 0)
    max_instances   = max(var.max_instances, lookup(var.min_instances, each.key, 0))
  }
  # As long, and as many, as Cloud Run allows: a page that is watched keeps its connection.
  asgi = try(each.value.asgi, false) ? { timeout_seconds = 3600, concurrency = 1000 } : null
  triggers = {
    for subscription, trigger in local.triggers[each.key] : subscription => merge(trigger, {
      topic             = google_pubsub_topic.this[trigger.topic].id
      dead_letter_topic = google_pubsub_topic.dead_letter[trigger.topic].id
    })
  }
  rights = {
    publishes = { for topic in local.right[each.key].publishes : topic => google_pubsub_topic.this[topic].id }
    reads     = local.right[each.key].reads
    datasets  = local.right[each.key].datasets
    writes    = local.right[each.key].writes
    store     = local.right[each.key].store == null ? null : { role = local.right[each.key].store, database = google_firestore_database.this.name }
    metrics   = local.right[each.key].metrics
    charts    = local.right[each.key].charts
  }

  depends_on = [
    google_project_service.this,
    google_bigquery_table.this,
    google_bigquery_table.view,
    terraform_data.grants,
  ]
}

# Where the settings say that a probe proves who it is, it may call the page.
resource "google_cloud_run_v2_service_iam_member" "probes" {
  count = anytrue([
    for probe in try(local.settings.probes, []) : try(probe.auth == "google" && strcontains(probe.url, "$${AIA_API_URL}"), false)
  ]) ? 1 : 0
  location = var.region
  name     = module.function["api"].service
  role     = "roles/run.invoker"
  member   = "serviceAccount:${module.function["health_check"].account}"
}
