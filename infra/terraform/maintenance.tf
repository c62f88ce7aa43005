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
