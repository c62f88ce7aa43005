# A document's `data` holds all there is, up to a megabyte: indexed whole, an incident group would be more index entries than a
# document may have. So `data` is exempt in every collection, and what is asked for by its value is indexed again.

locals {
  collections = {
    actions         = ["waiting"]
    alert_replicas  = []
    api_replays     = []
    api_requests    = []
    api_tokens      = []
    business        = []
    capacity        = ["target"]
    channel_tests   = []
    conditions      = ["source", "has_unsent"]
    incident_groups = []
    incident_losses = ["on"]
    incidents       = ["lasting_part", "open", "over_on"]
    ledger          = ["expires_on"]
    live_log        = []
    pipelines       = ["running"]
    probes          = []
    profiles        = []
    rates           = []
    promotions      = []
    registries      = []
    report_texts    = []
    reports         = []
    retraining      = []
    security_cases  = ["open"]
    security_marks  = []
    security_trail  = []
    silences        = []
    slack_threads   = []
    slots           = []
    train_answers   = []
    trainings       = []
    usual_revenue   = []
  }
  # Collections whose documents say when they may be forgotten.
  forgotten = toset(["actions", "alert_replicas", "api_replays", "api_requests", "ledger", "slack_threads"])

  indexed = merge([
    for collection, fields in local.collections : { for field in fields : "${collection}.${field}" => { collection = collection, field = field } }
  ]...)
}

resource "google_firestore_database" "this" {
  name             = var.database
  location_id      = coalesce(var.database_location, var.region)
  type             = "FIRESTORE_NATIVE"
  concurrency_mode = "OPTIMISTIC"

  # A week back, minute by minute, for when something wrote what it should not have.
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"

  delete_protection_state = var.protect ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy         = "DELETE"

  dynamic "cmek_config" {
    for_each = var.kms_key[*]
    content {
      kms_key_name = cmek_config.value
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_firestore_field" "data" {
  for_each   = local.collections
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "data"

  index_config {} # none
}

resource "google_firestore_field" "indexed" {
  for_each   = local.indexed
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = "data.${each.value.field}"

  index_config {
    indexes {
      order       = "ASCENDING"
      query_scope = "COLLECTION"
    }
  }

  depends_on = [google_firestore_field.data] # one change of a collection at a time
}

# The sweep asks for the groups that are due, severity by severity.
resource "google_firestore_index" "due" {
  database   = google_firestore_database.this.name
  collection = "incident_groups"

  fields {
    field_path = "data.severity"
    order      = "ASCENDING"
  }

  fields {
    field_path = "data.due_at"
    order      = "ASCENDING"
  }

  depends_on = [google_firestore_field.indexed]
}

resource "google_firestore_field" "expires_at" {
  for_each   = local.forgotten
  database   = google_firestore_database.this.name
  collection = each.value
  field      = "expires_at"

  index_config {} # instants that only grow would all be written at one end of an index
  ttl_config {}

  depends_on = [google_firestore_field.indexed]
}
