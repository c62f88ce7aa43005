resource "google_cloud_run_v2_service_iam_member" "invokes" {
  for_each = setunion(var.invokers, length(var.triggers) > 0 ? ["serviceAccount:${var.push_account}"] : [])
  location = var.region
  name     = local.name # a function's service is called as it is
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_pubsub_topic_iam_member" "publishes" {
  for_each = var.rights.publishes
  topic    = each.value
  role     = "roles/pubsub.publisher"
  member   = "serviceAccount:${local.account}"
}

# A table is dataset.table, or project.dataset.table in another project.
resource "google_bigquery_table_iam_member" "reads" {
  for_each   = var.rights.reads
  project    = try(reverse(split(".", each.value))[2], var.project)
  dataset_id = reverse(split(".", each.value))[1]
  table_id   = reverse(split(".", each.value))[0]
  role       = "roles/bigquery.dataViewer"
  member     = "serviceAccount:${local.account}"
}

# A dataset is dataset, or project.dataset in another project.
resource "google_bigquery_dataset_iam_member" "reads" {
  for_each   = var.rights.datasets
  project    = try(reverse(split(".", each.value))[1], var.project)
  dataset_id = reverse(split(".", each.value))[0]
  role       = "roles/bigquery.dataViewer"
  member     = "serviceAccount:${local.account}"
}

resource "google_bigquery_table_iam_member" "writes" {
  for_each   = var.rights.writes
  project    = var.project
  dataset_id = split(".", each.value)[0]
  table_id   = split(".", each.value)[1]
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${local.account}"
}

# Statements are jobs of the project; appending rows is none.
resource "google_project_iam_member" "queries" {
  count   = length(var.rights.reads) > 0 ? 1 : 0
  project = var.project
  role    = "roles/bigquery.jobUser"
  member  = "serviceAccount:${local.account}"
}

# Firestore has no grants on a database, only conditions on its name.
resource "google_project_iam_member" "keeps" {
  count   = var.rights.store == null ? 0 : 1
  project = var.project
  role    = var.rights.store.role
  member  = "serviceAccount:${local.account}"

  condition {
    title      = "the database ${var.rights.store.database}"
    expression = "resource.name == \"projects/${var.project}/databases/${var.rights.store.database}\""
  }
}

resource "google_project_iam_member" "measures" {
  count   = var.rights.metrics ? 1 : 0
  project = var.project
  role    = "roles/monitoring.metricWriter"
  member  = "serviceAccount:${local.account}"
}

# Values are read of a whole project, or of none of it.
resource "google_project_iam_member" "charts" {
  count   = var.rights.charts ? 1 : 0
  project = var.project
  role    = "roles/monitoring.viewer"
  member  = "serviceAccount:${local.account}"
}

resource "google_secret_manager_secret_iam_member" "reads" {
  for_each  = var.secrets
  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.account}"
}
