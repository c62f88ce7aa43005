# Who may register versions of models in Vertex AI, where the settings have registry.vertex: the accounts of the trainings, whose
# last step does it (docs/versions.md); that `promotion` may set aliases, and that `pipeline_monitor` sees whether it answers. MLflow is
# reached by its token.

locals {
  vertex_models = can(local.settings.registry.vertex.project)
  registrars    = local.vertex_models ? local.training_accounts : toset([])
}

resource "google_project_iam_custom_role" "registry" {
  count       = local.vertex_models ? 1 : 0
  project     = local.settings.registry.vertex.project
  role_id     = "aiaRegistry${var.role_suffix}"
  title       = "Registers versions of models"
  description = "Uploads versions of models and gives them aliases; deletes and deploys none."
  permissions = ["aiplatform.models.get", "aiplatform.models.list", "aiplatform.models.update", "aiplatform.models.upload"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "registry" {
  for_each = local.registrars
  project  = local.settings.registry.vertex.project
  role     = "projects/${local.settings.registry.vertex.project}/roles/${google_project_iam_custom_role.registry[0].role_id}"
  member   = "serviceAccount:${each.value}"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_custom_role" "aliases" {
  count       = local.vertex_models ? 1 : 0
  project     = local.settings.registry.vertex.project
  role_id     = "aiaAliases${var.role_suffix}"
  title       = "Sets aliases of versions of models"
  description = "Gives versions of models aliases; uploads, deletes and deploys none."
  permissions = ["aiplatform.models.get", "aiplatform.models.list", "aiplatform.models.update"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "aliases" {
  count   = local.vertex_models ? 1 : 0
  project = local.settings.registry.vertex.project
  role    = "projects/${local.settings.registry.vertex.project}/roles/${google_project_iam_custom_role.aliases[0].role_id}"
  member  = "serviceAccount:${module.function["promotion"].account}"
}

resource "google_project_iam_custom_role" "models_seen" {
  count       = local.vertex_models ? 1 : 0
  project     = local.settings.registry.vertex.project
  role_id     = "aiaModelsSeen${var.role_suffix}"
  title       = "Lists models"
  description = "Sees which models there are, and so that the registry answers."
  permissions = ["aiplatform.models.list"]

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "models_seen" {
  count   = local.vertex_models ? 1 : 0
  project = local.settings.registry.vertex.project
  role    = "projects/${local.settings.registry.vertex.project}/roles/${google_project_iam_custom_role.models_seen[0].role_id}"
  member  = "serviceAccount:${module.function["pipeline_monitor"].account}"
}
