locals {
  table_files = fileset("${local.infra}/tables", "*.json")
  tables = {
    for file in local.table_files :
    trimsuffix(file, ".json") => jsondecode(file("${local.infra}/tables/${file}"))
  }
  table_names = toset(keys(local.tables)) # as policy_names
  # Of what is appended, views show the newest.
  views = {
    for file in fileset("${local.infra}/tables", "*.sql") :
    trimsuffix(file, ".sql") => replace(file("${local.infra}/tables/${file}"), "{project}", var.project)
  }
  datasets = {
    backups   = "Backups: snapshots of tables, and documents of the store, made and verified each night."
    marts     = "Business marts: revenue, customers and daily metrics, written by rollups."
    ops       = "What the system did and found: scores, incidents, actions, messages that were parked."
    telemetry = "What applications say: predictions, what became of them, and orders."
  }
}

resource "google_bigquery_dataset" "this" {
  for_each                   = toset([for name in keys(local.tables) : split(".", name)[0]])
  dataset_id                 = each.value
  description                = lookup(local.datasets, each.value, null)
  location                   = var.region
  delete_contents_on_destroy = !var.protect

  # Otherwise whoever may look at the project may read all of it. Everybody else is granted a table at a time.
  access {
    role          = "OWNER"
    special_group = "projectOwners"
  }

  dynamic "default_encryption_configuration" {
    for_each = var.kms_key[*]
    content {
      kms_key_name = default_encryption_configuration.value
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_bigquery_table" "this" {
  for_each            = local.table_names
  dataset_id          = google_bigquery_dataset.this[split(".", each.key)[0]].dataset_id
  table_id            = split(".", each.key)[1]
  description         = local.tables[each.key].description
  schema              = jsonencode(local.tables[each.key].schema)
  clustering          = local.tables[each.key].cluster
  deletion_protection = var.protect

  time_partitioning {
    field = local.tables[each.key].partition.field
    type  = local.tables[each.key].partition.type
    # Nothing is kept longer than anybody reads it.
    expiration_ms = try(local.tables[each.key].partition.expiration_days * 86400000, null)
  }

  dynamic "encryption_configuration" {
    for_each = var.kms_key[*]
    content {
      kms_key_name = encryption_configuration.value
    }
  }
}

resource "google_bigquery_table" "view" {
  # checkov:skip=CKV_GCP_80:A view has no data to encrypt: that is in the tables that it reads.
  for_each            = local.views
  dataset_id          = google_bigquery_dataset.this[split(".", each.key)[0]].dataset_id
  table_id            = split(".", each.key)[1]
  description         = trimprefix(split("\n", each.value)[0], "-- ")
  deletion_protection = var.protect

  view {
    query          = each.value
    use_legacy_sql = false
  }

  # BigQuery checks the query against what it reads.
  depends_on = [google_bigquery_table.this]
}

# Messages that are rows already: Pub/Sub writes them, with no function in between.
resource "google_pubsub_subscription" "table" {
  for_each                   = local.table_subscriptions
  name                       = each.key
  topic                      = google_pubsub_topic.this[each.value.topic].id
  filter                     = try(each.value.filter, null)
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  bigquery_config {
    table            = join(".", [var.project, google_bigquery_table.this[each.value.table].dataset_id, google_bigquery_table.this[each.value.table].table_id])
    use_table_schema = true
  }

  retry_policy {
    minimum_backoff = "${local.retry.minimum_backoff_seconds}s"
    maximum_backoff = "${local.retry.maximum_backoff_seconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead_letter[each.value.topic].id
    max_delivery_attempts = local.retry.max_delivery_attempts
  }

  expiration_policy {
    ttl = ""
  }

  # It is refused where its account may not write the table yet.
  depends_on = [terraform_data.grants]
}

resource "google_bigquery_table_iam_member" "subscription" {
  for_each   = toset([for one in values(local.table_subscriptions) : one.table])
  dataset_id = google_bigquery_table.this[each.value].dataset_id
  table_id   = google_bigquery_table.this[each.value].table_id
  role       = "roles/bigquery.dataEditor"
  member     = local.agents.pubsub

  depends_on = [terraform_data.accounts]
}

resource "google_pubsub_subscription_iam_member" "table" {
  for_each     = local.table_subscriptions
  subscription = google_pubsub_subscription.table[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}
