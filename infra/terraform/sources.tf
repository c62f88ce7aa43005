resource "google_storage_bucket" "sources" {
  # checkov:skip=CKV_GCP_62:A log of its readers would tell who read archives of this repository, which hold no data.
  name                        = "${var.project}-aia-sources"
  location                    = var.region
  force_destroy               = true # everything in it is built again by make package
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  # What replaced it is deployed; a month is long enough to go back.
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = 30
      num_newer_versions         = 1
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  dynamic "encryption" {
    for_each = var.kms_key[*]
    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_artifact_registry_repository" "functions" {
  repository_id = "aia-functions"
  description   = "The images of the functions, as Cloud Build makes them."
  location      = var.region
  format        = "DOCKER"
  kms_key_name  = var.kms_key

  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 3
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

# Builds run as an account that can read sources, write images and log, and nothing else.
resource "google_service_account" "builder" {
  account_id   = "aia-builder"
  display_name = "Builds the functions"
  depends_on   = [google_project_service.this]
}

locals {
  builder = "${google_service_account.builder.account_id}@${var.project}.iam.gserviceaccount.com"
}

resource "google_project_iam_member" "builder_logs" {
  project = var.project
  role    = "roles/logging.logWriter"
  member  = "serviceAccount:${local.builder}"
}

resource "google_storage_bucket_iam_member" "builder_reads" {
  bucket = google_storage_bucket.sources.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.builder}"
}

# Cloud Run functions copies an archive into a bucket of its own, which is there from the first deployment on.
resource "google_project_iam_member" "builder_copies" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${local.builder}"

  condition {
    title      = "copies of the sources"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-${local.number}-${var.region}\") || resource.name.startsWith(\"projects/_/buckets/run-sources-${var.project}-${var.region}\")"
  }
}

resource "google_artifact_registry_repository_iam_member" "builder_writes" {
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.repository_id
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.builder}"
}
