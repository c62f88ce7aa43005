resource "google_pubsub_topic" "this" {
  for_each     = local.topics
  name         = each.value
  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_pubsub_topic" "dead_letter" {
  for_each     = local.topics
  name         = "${each.value}-dead-letter"
  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

# A topic keeps nothing for subscribers that come later, so one is there from the start.
resource "google_pubsub_subscription" "dead_letter" {
  for_each                   = local.topics
  name                       = "${each.value}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter[each.value].id
  ack_deadline_seconds       = 60
  message_retention_duration = "604800s"

  expiration_policy {
    ttl = "" # never, however long nobody pulls
  }
}

# Pub/Sub itself moves what fails, by its own account: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_letter" {
  for_each = local.topics
  topic    = google_pubsub_topic.dead_letter[each.value].id
  role     = "roles/pubsub.publisher"
  member   = local.agents.pubsub
}
