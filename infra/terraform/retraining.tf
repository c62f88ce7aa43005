# What `retrain` and `promotion` may do on Vertex AI: start the pipelines that models of the settings name, and look at those that
# run; where no model names one, nothing (docs/retraining.md).

locals {
  trainings = {
    for model in try(local.settings.models, []) : model.name => model.retraining.pipeline
    if can(model.retraining.pipeline.template)
  }
  # The pipelines by which challengers score what they are compared on; started by `promotion`.
  scorings = {
    for model in try(local.settings.models, []) : model.name => model.promotion.scoring
    if can(model.promotion.scoring.template)
  }
  pipelines   = merge({ for name, one in local.trainings : "train ${name}" => one }, { for name, one in local.scorings : "score ${name}" => one })
  own_account = "@[a-z0-9-]+\\.iam\\.gserviceaccount\\.com$"
  # Without an account Vertex AI takes the default one of Compute Engine, which may do too much for anybody to act as it.
  training_accounts = toset([for one in values(local.trainings) : one.service_account if can(regex(local.own_account, one.service_account))])
  scoring_accounts  = toset([for one in values(local.scorings) : one.service_account if can(regex(local.own_account, one.service_account))])
  promoter          = contains(keys(local.functions), "promotion") ? "serviceAccount:${module.function["promotion"].account}" : null
  trainer           = contains(keys(local.functions), "retrain") ? "serviceAccount:${module.function["retrain"].account}" : null
}

locals {
  template_address = "^https://(?P<place>[a-z0-9-]+)-kfp\\.pkg\\.dev/(?P<project>[a-z0-9-]+)/(?P<repository>[a-z0-9-]+)/"
  # The repositories of this project that templates lie in, and who reads which.
  templates        = { for name, one in local.pipelines : name => merge(regex(local.template_address, one.template), { account = try(one.service_account, "") }) }
  repository       = { for name, one in local.templates : "${one.place}/${one.repository}" => { place = one.place, id = one.repository }... if one.project == var.project }
  template_readers = toset([for name, one in local.templates : "${one.place}/${one.repository} ${one.account}" if one.project == var.project && contains(setunion(local.training_accounts, local.scoring_accounts), one.account)])

  # The pipeline of infra/training says which tables it reads; what another one needs is granted by who wrote it.
  packaged = { for name, one in local.trainings : name => one if can(one.parameters.source.table) && contains(local.training_accounts, try(one.service_account, "")) }
  scoring  = { for name, one in local.scorings : name => one if can(one.parameters.source.table) && contains(local.scoring_accounts, try(one.service_account, "")) }
  # The buckets that trainings leave models in, and who scores with these: "BUCKET ACCOUNT".
  scored_from = toset([
    for name, one in local.scoring : "${regex("^gs://([^/]+)", local.trainings[name].root)[0]} ${one.service_account}"
    if contains(keys(local.trainings), name)
  ])
  trainers = toset([for one in concat(values(local.packaged), values(local.scoring)) : one.service_account])
  trained_on = toset(flatten(concat([
    for one in values(local.scoring) : "${one.parameters.source.table} ${one.service_account}" if contains(keys(local.tables), one.parameters.source.table)
    ], [
    for one in values(local.packaged) : [
      for table in concat(compact([one.parameters.source.table, try(one.parameters.source.label_table, "")]), ["ops.retraining_requests"]) :
      "${table} ${one.service_account}" if contains(keys(local.tables), table)
    ]
  ])))
  written_by_trainings = toset(flatten(concat([for one in values(local.scoring) : "ops.shadow_predictions ${one.service_account}"], [
    for one in values(local.packaged) : [for table in ["ops.model_aliases", "ops.model_versions", "ops.training_results"] : "${table} ${one.service_account}"]
  ])))
}

resource "google_artifact_registry_repository" "templates" {
  for_each      = { for name, found in local.repository : name => found[0] if var.template_repositories }
  location      = each.value.place
  repository_id = each.value.id
  format        = "KFP"
  description   = "Compiled training pipelines."
  kms_key_name  = var.kms_key

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}

resource "google_artifact_registry_repository_iam_member" "template" {
  for_each   = local.template_readers
  location   = split("/", split(" ", each.value)[0])[0]
  repository = split("/", split(" ", each.value)[0])[1]
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${split(" ", each.value)[1]}"

  depends_on = [google_artifact_registry_repository.templates]
}

resource "google_project_iam_member" "trainer_queries" {
  for_each = local.trainers
  project  = var.project
  role     = "roles/bigquery.jobUser"
  member   = "serviceAccount:${each.value}"

  depends_on = [google_project_service.this]
}

resource "google_bigquery_table_iam_member" "trained_on" {
  for_each   = local.trained_on
  dataset_id = google_bigquery_table.this[split(" ", each.value)[0]].dataset_id
  table_id   = google_bigquery_table.this[split(" ", each.value)[0]].table_id
  role       = "roles/bigquery.dataViewer"
  member     = "serviceAccount:${split(" ", each.value)[1]}"
}

resource "google_bigquery_table_iam_member" "written_by_trainings" {
  for_each   = local.written_by_trainings
  dataset_id = google_bigquery_table.this[split(" ", each.value)[0]].dataset_id
  table_id   = google_bigquery_table.this[split(" ", each.value)[0]].table_id
  role       = "roles/bigquery.dataEditor"
  member     = "serviceAccount:${split(" ", each.value)[1]}"
}

# On the whole bucket: a condition on a folder would not cover listing, by which Cloud Storage FUSE looks for a file.
resource "google_storage_bucket_iam_member" "scored_from" {
  for_each = local.scored_from
  bucket   = split(" ", each.value)[0]
  role     = "roles/storage.objectViewer"
  member   = "serviceAccount:${split(" ", each.value)[1]}"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "retraining" {
  count       = length(local.pipelines) > 0 ? 1 : 0
  role_id     = "aiaRetraining${var.role_suffix}"
  title       = "Starts trainings"
  description = "Creates pipeline jobs and sees which run; changes and cancels none."
  permissions = ["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"]

  depends_on = [google_project_service.this]
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

resource "google_project_iam_member" "scoring" {
  count   = length(local.scorings) > 0 ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.retraining[0].role_id}"
  member  = local.promoter
}

# The endpoints whose traffic promotions move, by the projects that they are in.
locals {
  promoted = toset([for model in try(local.settings.models, []) : "model/${model.name}" if can(model.promotion)])
  promoted_projects = toset([
    for target, one in try(local.settings.resources, {}) : split("/", one.endpoint)[1] if can(one.endpoint) && contains(local.promoted, target)
  ])
}

resource "google_project_iam_custom_role" "promotion" {
  count       = contains(local.promoted_projects, var.project) ? 1 : 0
  role_id     = "aiaPromotion${var.role_suffix}"
  title       = "Moves the traffic of endpoints"
  description = "Sees endpoints and changes their traffic split; deploys nothing."
  permissions = ["aiplatform.endpoints.get", "aiplatform.endpoints.update"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "promotion" {
  count   = contains(local.promoted_projects, var.project) ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.promotion[0].role_id}"
  member  = local.promoter
}

resource "google_service_account_iam_member" "scores_as" {
  for_each           = local.scoring_accounts
  service_account_id = "projects/${split(".", split("@", each.value)[1])[0]}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountUser"
  member             = local.promoter
}

check "trainings_have_an_account" {
  assert {
    condition     = alltrue([for one in values(local.pipelines) : can(regex(local.own_account, one.service_account))])
    error_message = "The pipeline of ${join(", ", [for name, one in local.pipelines : name if !can(regex(local.own_account, one.service_account))])} names no service_account of its own: Vertex AI would take the default account of Compute Engine, which `retrain` and `promotion` are not allowed to act as, and its jobs would be refused."
  }
}
