# A role may name permissions of an API only where that is enabled: aiaPipelineRuns always names those of Vertex AI.
resource "google_project_service" "this" {
  for_each = toset(concat([
    "aiplatform.googleapis.com",
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
    ],
    can(local.settings.business.billing.recommender) ? ["recommender.googleapis.com"] : [],
    local.scaled_deployments && length(setintersection(local.actions, local.scaling)) > 0 || contains(local.probe_permissions, "container.clusters.connect") ? ["container.googleapis.com"] : [],
    var.budget == null ? [] : ["billingbudgets.googleapis.com"],
    var.kms_key == null ? [] : ["cloudkms.googleapis.com"],
    var.vpc_connector == null ? [] : ["vpcaccess.googleapis.com"],
  ))
  service = each.value

  # Something else in the project may use it.
  disable_on_destroy = false
}
