# Alerts go the way of all findings: to the topic `alerts`, and from there through alert_intake and incident_router to
# people. What is about that very way (`path: direct` in a rule) goes to people directly as well.

resource "google_monitoring_notification_channel" "alerts" {
  display_name = "alert_intake"
  description  = "The topic that alert_intake takes alerts from."
  type         = "pubsub"
  labels       = { topic = google_pubsub_topic.this["alerts"].id }
  force_delete = true # its policies go on without it, or go as well
}

# Google makes the account with the project's first channel of this kind.
resource "google_pubsub_topic_iam_member" "alerts" {
  topic      = google_pubsub_topic.this["alerts"].name
  role       = "roles/pubsub.publisher"
  member     = local.agents.monitoring
  depends_on = [terraform_data.accounts]
}

resource "google_monitoring_notification_channel" "email" {
  for_each     = var.notification_emails
  display_name = "Directly to ${each.value}"
  type         = "email"
  labels       = { email_address = each.value }
  force_delete = true
  depends_on   = [google_project_service.this]
}

resource "google_monitoring_notification_channel" "watchdog" {
  count        = var.watchdog_email == null ? 0 : 1
  display_name = "Expects the watchdog"
  type         = "email"
  labels       = { email_address = var.watchdog_email }
  force_delete = true
  depends_on   = [google_project_service.this]
}

# Made outside and found by their names: the provider would write their tokens into the state.
data "google_monitoring_notification_channel" "direct" {
  for_each     = var.direct_channels
  type         = each.key
  display_name = each.value
}

locals {
  direct_channels = concat(
    [for channel in google_monitoring_notification_channel.email : channel.name],
    [for channel in data.google_monitoring_notification_channel.direct : channel.name],
  )
}
