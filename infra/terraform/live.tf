# Each instance of the API gets the changes by a subscription that it creates itself, while somebody watches. Pub/Sub knows no
# condition on the name of a subscription, so that the role holds for those of the project; Google's own roles list all else too.
resource "google_project_iam_custom_role" "live" {
  role_id     = "aiaLive${var.role_suffix}"
  title       = "Has subscriptions of its own"
  description = "Creates a subscription, pulls from it, and deletes it."
  permissions = [
    "pubsub.subscriptions.consume",
    "pubsub.subscriptions.create",
    "pubsub.subscriptions.delete",
    "pubsub.subscriptions.get",
  ]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "live" {
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.live.role_id}"
  member  = "serviceAccount:${module.function["api"].account}"
}

# A subscription to this topic and to no other.
resource "google_pubsub_topic_iam_member" "live" {
  topic  = google_pubsub_topic.this["changes"].name
  role   = "roles/pubsub.subscriber"
  member = "serviceAccount:${module.function["api"].account}"
}
