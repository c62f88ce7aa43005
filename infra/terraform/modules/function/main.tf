locals {
  service = replace(var.name, "_", "-")
  archive = one(var.archives)
  account = "${google_service_account.this.account_id}@${var.project}.iam.gserviceaccount.com"

  # By its hash: another archive is another image, and so another revision.
  image = "${var.build.images}/${trimsuffix(replace(local.archive, "_", "-"), ".zip")}"

  # As the two kinds of services call it.
  ingress = {
    ALLOW_ALL               = "INGRESS_TRAFFIC_ALL"
    ALLOW_INTERNAL_ONLY     = "INGRESS_TRAFFIC_INTERNAL_ONLY"
    ALLOW_INTERNAL_AND_GCLB = "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  }

  name = one(concat(google_cloudfunctions2_function.this[*].name, google_cloud_run_v2_service.this[*].name))
  url  = one(concat([for one in google_cloudfunctions2_function.this : one.service_config[0].uri], google_cloud_run_v2_service.this[*].uri))

  # Cloud Run answers 504 at the timeout and leaves the code running, beside the redelivery of its message. functions-framework ends it:
  # of several threads, the one that handles the request; with one thread the worker process, which starts anew.
  framework = {
    THREADS                   = tostring(var.resources.concurrency)
    THREADED_TIMEOUT_ENABLED  = "true"
    CLOUD_RUN_TIMEOUT_SECONDS = tostring(var.resources.timeout_seconds)

    # No call of the function starts, or lasts, beyond them: Pub/Sub delivers the message again.
    AIA_ACK_DEADLINES = jsonencode({ for subscription, trigger in var.triggers : subscription => trigger.ack_deadline_seconds })
  }
  environment = merge(var.environment, { for name, value in local.framework : name => value if var.asgi == null })
}

moved {
  from = google_cloudfunctions2_function.this
  to   = google_cloudfunctions2_function.this[0]
}

# Named with a prefix, since an account's name has at least six characters. Its address is made of what is known before
# it exists, so that a plan shows who is granted what.
resource "google_service_account" "this" {
  account_id   = "fn-${local.service}"
  display_name = "The function ${var.name}"
}

# The name has the hash of the contents: another archive is another object, and only then is the function built again.
resource "google_storage_bucket_object" "archive" {
  name   = local.archive
  bucket = var.source_in.bucket
  source = "${var.source_in.folder}/${local.archive}"
}

resource "google_cloudfunctions2_function" "this" {
  count        = var.asgi == null ? 1 : 0
  name         = local.service
  location     = var.region
  kms_key_name = var.kms_key

  build_config {
    runtime           = var.build.runtime
    entry_point       = "main"
    service_account   = var.build.account
    docker_repository = var.build.repository

    source {
      storage_source {
        bucket = google_storage_bucket_object.archive.bucket
        object = google_storage_bucket_object.archive.name
      }
    }
  }

  service_config {
    service_account_email            = local.account
    available_memory                 = var.resources.memory
    available_cpu                    = "1"
    max_instance_request_concurrency = var.resources.concurrency
    min_instance_count               = var.resources.min_instances
    max_instance_count               = var.resources.max_instances
    timeout_seconds                  = var.resources.timeout_seconds
    ingress_settings                 = var.ingress
    all_traffic_on_latest_revision   = true
    environment_variables            = local.environment
    vpc_connector                    = var.vpc_connector
    vpc_connector_egress_settings    = var.vpc_connector == null ? null : "PRIVATE_RANGES_ONLY"

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }
  }

  # A revision that may not read its secrets does not start.
  depends_on = [google_secret_manager_secret_iam_member.reads]
}

# An ASGI application is a service of Cloud Run itself: it keeps connections open for longer than a function may, also WebSockets. Cloud Run
# builds the archive as it builds functions; what is started in the image is main.py, by the launcher of its buildpacks.
resource "google_cloud_run_v2_service" "this" {
  count               = var.asgi == null ? 0 : 1
  name                = local.service
  location            = var.region
  ingress             = local.ingress[var.ingress]
  deletion_protection = false

  build_config {
    source_location = "gs://${google_storage_bucket_object.archive.bucket}/${google_storage_bucket_object.archive.name}"
    function_target = "main"
    image_uri       = local.image
    base_image      = "${var.region}-docker.pkg.dev/serverless-runtimes/google-22-full/runtimes/${var.build.runtime}"
    service_account = var.build.account
  }

  template {
    service_account                  = local.account
    timeout                          = "${var.asgi.timeout_seconds}s"
    max_instance_request_concurrency = var.asgi.concurrency
    encryption_key                   = var.kms_key

    scaling {
      min_instance_count = var.resources.min_instances
      max_instance_count = var.resources.max_instances
    }

    containers {
      image   = local.image
      command = ["/cnb/lifecycle/launcher"]
      args    = ["python", "main.py"]

      resources {
        limits            = { cpu = "1", memory = var.resources.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }

      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }

      dynamic "env" {
        for_each = var.secrets
        content {
          name = env.key
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
    }

    dynamic "vpc_access" {
      for_each = var.vpc_connector == null ? [] : [var.vpc_connector]
      content {
        connector = vpc_access.value
        egress    = "PRIVATE_RANGES_ONLY"
      }
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.reads]
}
