# Vertex AI says in its logs what becomes of its pipeline jobs and their tasks; the sink makes messages of it.

resource "google_logging_project_sink" "pipeline_runs" {
  name                   = "pipeline-runs"
  description            = "What becomes of Vertex AI pipeline jobs and their tasks."
  destination            = "pubsub.googleapis.com/${google_pubsub_topic.this["pipeline-runs"].id}"
  unique_writer_identity = true
  filter                 = "resource.type=\"aiplatform.googleapis.com/PipelineJob\" AND (log_id(\"aiplatform.googleapis.com/pipeline_job_events\") OR log_id(\"aiplatform.googleapis.com/pipeline_job_task_events\"))"
}

resource "google_pubsub_topic_iam_member" "pipeline_runs" {
  topic  = google_pubsub_topic.this["pipeline-runs"].name
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.pipeline_runs.writer_identity

  depends_on = [terraform_data.accounts]
}

# The log tells how a job ended; when its tasks began and ended, Vertex AI tells who asks (Google's own role lists all else too).
resource "google_project_iam_custom_role" "pipeline_runs" {
  role_id     = "aiaPipelineRuns${var.role_suffix}"
  title       = "Reads pipeline jobs"
  description = "What became of a pipeline job and of its tasks."
  permissions = ["aiplatform.pipelineJobs.get"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "pipeline_runs" {
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.pipeline_runs.role_id}"
  member  = "serviceAccount:${module.function["pipeline_monitor"].account}"
}
