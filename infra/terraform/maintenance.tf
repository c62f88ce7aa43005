# Backups: `maintenance` makes snapshots of every table of ops and marts in the dataset backups, and drops the old ones, which takes
# roles/bigquery.dataOwner (https://docs.cloud.google.com/bigquery/docs/table-snapshots-delete). A restore creates the tables anew, and an
# apply grants them again.

resource "google_bigquery_dataset_iam_member" "maintenance" {
  for_each = contains(keys(local.functions), "maintenance") ? {
    backups = "roles/bigquery.dataOwner"
    marts   = "roles/bigquery.dataEditor"
    ops     = "roles/bigquery.dataEditor"
  } : {}
  dataset_id = google_bigquery_dataset.this[each.key].dataset_id
  role       = each.value
  member     = "serviceAccount:${module.function["maintenance"].account}"
}

# The security scan reads who has which role and how old keys are; it sees no key itself.
resource "google_project_iam_custom_role" "security_scan" {
  count       = contains(keys(local.functions), "maintenance") ? 1 : 0
  role_id     = "aiaSecurityScan${var.role_suffix}"
  title       = "Reads policies and the age of keys"
  description = "The policy of the project, its service accounts and their keys; changes none."
  permissions = ["iam.serviceAccountKeys.list", "iam.serviceAccounts.list", "resourcemanager.projects.getIamPolicy"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "security_scan" {
  count   = contains(keys(local.functions), "maintenance") ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.security_scan[0].role_id}"
  member  = "serviceAccount:${module.function["maintenance"].account}"
}
