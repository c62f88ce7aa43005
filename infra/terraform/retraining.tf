# What `retrain` may do on Vertex AI: start the pipelines that models of the settings name, and look at those that run; where
# no model names one, nothing (docs/retraining.md).

locals {
  trainings = {
    for model in try(local.settings.models, []) : model.name => model.retraining.pipeline
    if can(model.retraining.pipeline.template)
  }
  own_account = "@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$"
  # Without an account Vertex AI takes the default one of Compute Engine, which may do too much for anybody to act as it.
  training_accounts = toset([for one in values(local.trainings) : one.service_account if can(regex(local.own_account, one.service_account))])
  trainer           = contains(keys(local.functions), "retrain") ? "serviceAccount:${module.function["retrain"].account}" : null
}

resource "google_project_iam_custom_role" "retraining" {
  count       = length(local.trainings) > 0 ? 1 : 0
  role_id     = "aiaRetraining${var.role_suffix}"
  title       = "Starts trainings"
  description = "Creates pipeline jobs and sees which run; changes and cancels none."
  permissions = ["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"]
}

resource "google_project_iam_member" "retraining" {
  count   = length(local.trainings) > 0 ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.retraining[0].role_id}"
  member  = local.trainer
}

resource "google_service_account_iam_member" "trains_as" {
  for_each           = local.training_accounts
  service_account_id = "projects/${split(".", split("@", each.value)[1])[0]}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountUser"
  member             = local.trainer
}

check "trainings_have_an_account" {
  assert {
    condition     = alltrue([for one in values(local.trainings) : can(regex(local.own_account, one.service_account))])
    error_message = "retraining.pipeline of ${join(", ", [for name, one in local.trainings : name if !can(regex(local.own_account, one.service_account))])} names no service_account of its own: Vertex AI would take the default account of Compute Engine, which `retrain` is not allowed to act as, and its trainings would be refused."
  }
}
