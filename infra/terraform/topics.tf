locals {
  # What somebody subscribes to.
  heard = toset(concat(
    flatten([for function in values(local.functions) : [for trigger in function.triggers : trigger.topic]]),
    [for one in values(local.table_subscriptions) : one.topic],
  ))
}

resource "google_pubsub_topic" "this" {
  for_each     = local.topics
  name         = each.value
  kms_key_name = var.kms_key

  # Where nobody subscribes yet, what was told in the last week can still be replayed to a first subscriber.
  message_retention_duration = contains(local.heard, each.value) ? null : "604800s"

  # Not `enforce_in_transit`: Cloud Monitoring, Cloud Logging and Cloud Scheduler publish from wherever they are.
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
  message_retention_duration = "2678400s" # as long as Pub/Sub keeps anything: 31 days

  expiration_policy {
    ttl = "" # never, however long nobody pulls
  }
}

# Pub/Sub itself moves what fails, by its own account: it publishes there and acknowledges here.
resource "google_pubsub_topic_iam_member" "dead_letter" {
  for_each = local.topics
  topic    = google_pubsub_topic.dead_letter[each.value].name
  role     = "roles/pubsub.publisher"
  member   = local.agents.pubsub

  depends_on = [terraform_data.accounts]
}

# Applications that say what they did, and systems that send findings or alerts, are not of this deployment.
resource "google_pubsub_topic_iam_member" "outside" {
  for_each = merge([for topic, members in var.publishers : { for member in members : "${topic} ${member}" => { topic = topic, member = member } }]...)
  topic    = google_pubsub_topic.this[each.value.topic].name
  role     = "roles/pubsub.publisher"
  member   = each.value.member
}
