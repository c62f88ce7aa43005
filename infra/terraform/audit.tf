# The audit log: what `audit_events` decides on goes to its topic, all of it for 400 days to BigQuery (docs/security-detections.md).

locals {
  # Admin activity, and of data access what a detection reads: secrets, finished jobs of BigQuery, sign-ins. Kubernetes writes too much.
  audit_events = join(" OR ", [
    "(log_id(\"cloudaudit.googleapis.com/activity\") AND protoPayload.serviceName!=\"k8s.io\")",
    "(log_id(\"cloudaudit.googleapis.com/data_access\") AND (${join(" OR ", [
      "protoPayload.methodName=\"google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion\"",
      "protoPayload.metadata.jobChange.after=\"DONE\"",
    ])}))",
  ])
}

resource "google_logging_project_sink" "audit_events" {
  name                   = "audit-events"
  description            = "Entries of the audit log that detections read."
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.this["audit-events"].id}"
  unique_writer_identity = true
  filter                 = local.audit_events
}

resource "google_pubsub_topic_iam_member" "audit_events" {
  topic  = google_pubsub_topic.this["audit-events"].name
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.audit_events.writer_identity

  depends_on = [terraform_data.accounts]
}

# Sign-ins of Google Workspace and Cloud Identity are in the organisation's log only.
resource "google_logging_organization_sink" "sign_ins" {
  count       = var.organization == null ? 0 : 1
  org_id      = var.organization
  name        = "aia-sign-ins"
  description = "Sign-ins that detections read."
  destination = "pubsub.googleapis.com/${google_pubsub_topic.this["audit-events"].id}"
  filter      = "log_id(\"cloudaudit.googleapis.com/data_access\") AND protoPayload.serviceName=\"login.googleapis.com\""
}

resource "google_pubsub_topic_iam_member" "sign_ins" {
  count  = var.organization == null ? 0 : 1
  topic  = google_pubsub_topic.this["audit-events"].name
  role   = "roles/pubsub.publisher"
  member = google_logging_organization_sink.sign_ins[0].writer_identity

  depends_on = [terraform_data.accounts]
}

# Who reads which secret is logged only where that is asked for.
resource "google_project_iam_audit_config" "secrets" {
  count   = var.log_secret_reads ? 1 : 0
  project = var.project
  service = "secretmanager.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  depends_on = [google_project_service.this]
}

resource "google_bigquery_dataset" "audit" {
  dataset_id                      = "audit"
  description                     = "The audit log, as Cloud Logging writes it."
  location                        = var.region
  default_partition_expiration_ms = 400 * 86400000
  delete_contents_on_destroy      = !var.protect

  # The writer of the sink is added below.
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

  lifecycle {
    ignore_changes = [access]
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_logging_project_sink" "audit_history" {
  name                   = "audit-history"
  description            = "The audit log, for questions about the past."
  destination            = "bigquery.googleapis.com/${google_bigquery_dataset.audit.id}"
  unique_writer_identity = true
  filter                 = local.audit_events

  bigquery_options {
    use_partitioned_tables = true
  }
}

resource "google_bigquery_dataset_iam_member" "audit_history" {
  dataset_id = google_bigquery_dataset.audit.dataset_id
  role       = "roles/bigquery.dataEditor"
  member     = google_logging_project_sink.audit_history.writer_identity
}
