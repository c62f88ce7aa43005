# What Google makes behind the scenes takes a while, and a first apply must not fail for it. Both wait once, when they are made.

# Its own accounts come with the first topic, channel and sink; a grant to one that is not there yet is refused.
resource "terraform_data" "accounts" {
  provisioner "local-exec" {
    command = "sleep ${var.settling_seconds.accounts}"
  }

  depends_on = [
    google_logging_project_sink.pipeline_runs,
    google_monitoring_notification_channel.alerts,
    google_pubsub_topic.dead_letter,
    google_pubsub_topic.this,
  ]
}

# A grant counts after two minutes as a rule: a build without it fails, and a subscription to a table is refused.
resource "terraform_data" "grants" {
  provisioner "local-exec" {
    command = "sleep ${var.settling_seconds.grants}"
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.builder_writes,
    google_bigquery_table_iam_member.subscription,
    google_project_iam_member.builder_copies,
    google_project_iam_member.builder_logs,
    google_service_account_iam_member.push_tokens,
    google_storage_bucket_iam_member.builder_reads,
  ]
}
