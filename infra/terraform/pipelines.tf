# Vertex AI says in the log what becomes of its pipeline jobs; the sink makes messages of it.

resource "google_logging_project_sink" "pipeline_runs" {
  name                   = "pipeline-runs"
  description            = "What becomes of Vertex AI pipeline jobs."
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.this[local.pipeline_runs].id}"
  unique_writer_identity = true
  filter                 = "resource.type=\"aiplatform.googleapis.com/PipelineJob\" AND log_id(\"aiplatform.googleapis.com/pipeline_job_events\")"
}

resource "google_pubsub_topic_iam_member" "pipeline_runs" {
  topic  = google_pubsub_topic.this[local.pipeline_runs].name
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.pipeline_runs.writer_identity

  depends_on = [terraform_data.accounts]
}
