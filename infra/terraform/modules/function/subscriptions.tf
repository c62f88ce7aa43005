resource "google_pubsub_subscription" "push" {
  for_each                   = var.triggers
  name                       = each.key
  topic                      = each.value.topic
  filter                     = each.value.filter
  ack_deadline_seconds       = each.value.ack_deadline_seconds
  message_retention_duration = "${each.value.retention_seconds}s"

  push_config {
    push_endpoint = local.url

    oidc_token {
      service_account_email = var.push_account
      audience              = var.push_audience
    }
  }

  retry_policy {
    minimum_backoff = "${var.retry.minimum_backoff_seconds}s"
    maximum_backoff = "${var.retry.maximum_backoff_seconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = each.value.dead_letter_topic
    max_delivery_attempts = var.retry.max_delivery_attempts
  }

  expiration_policy {
    ttl = "" # never: after a quiet month it would be gone without a word
  }

  depends_on = [google_cloud_run_v2_service_iam_member.invokes]
}

# What is moved to the dead-letter topic is acknowledged here, by Pub/Sub's own account.
resource "google_pubsub_subscription_iam_member" "dead_letter" {
  for_each     = var.triggers
  subscription = google_pubsub_subscription.push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent
}
