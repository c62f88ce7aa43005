# Every job publishes the same bytes each time; the function derives the instant (docs/decisions).
resource "google_cloud_scheduler_job" "this" {
  for_each    = local.settings.jobs
  name        = replace(each.key, "_", "-")
  description = "A tick for ${each.key}."
  region      = coalesce(var.scheduler_region, var.region)
  schedule    = each.value
  time_zone   = "Etc/UTC"

  pubsub_target {
    topic_name = google_pubsub_topic.this["ticks"].id
    attributes = { job = each.key }
    data       = base64encode(jsonencode({ type = "tick", version = 1, job = each.key }))
  }

  # A job that runs once a day must not lose it to one refusal.
  retry_config {
    retry_count = 3
  }

  depends_on = [google_project_service.this]
}
