# What action_runner may change: only what the playbooks name, on the resources that the settings name, and only to read
# where no playbook says `mode: act` (docs/actions.md, Permissions).

locals {
  playbooks = [
    for playbook in try(local.settings.playbooks, []) : {
      actions = [for action in playbook.do : try(action.action, action)]
      acts    = try(playbook.mode, "dry_run") == "act"
    }
  ]
  actions = toset(flatten([for playbook in local.playbooks : playbook.actions]))
  acting  = toset(flatten([for playbook in local.playbooks : playbook.actions if playbook.acts]))

  vertex_actions  = ["rollback_model", "shift_traffic", "cancel_pipeline", "rerun_pipeline"]
  service_actions = ["restart_service", "scale_out", "scale_in"]
  scaling         = ["scale_out", "scale_in"]
  # Of a target with several resources, the service is scaled before the endpoint, and the endpoint before the deployment.
  scaled_endpoints   = anytrue([for one in local.resources : can(one.endpoint) && !can(one.service)])
  scaled_deployments = anytrue([for one in local.resources : can(one.deployment) && !can(one.service) && !can(one.endpoint)])
  scaling_permissions = {
    plan = concat(local.scaled_endpoints ? ["aiplatform.endpoints.get"] : [], local.scaled_deployments ? ["container.clusters.connect"] : [])
    act  = local.scaled_endpoints ? ["aiplatform.endpoints.deploy"] : []
  }

  # Per action: what a plan reads in a project, and what acting changes there.
  permissions = {
    rollback_model      = { plan = ["aiplatform.endpoints.get"], act = ["aiplatform.endpoints.update"] }
    shift_traffic       = { plan = ["aiplatform.endpoints.get"], act = ["aiplatform.endpoints.update"] }
    cancel_pipeline     = { plan = ["aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"], act = ["aiplatform.pipelineJobs.cancel"] }
    rerun_pipeline      = { plan = ["aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"], act = ["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.cancel"] }
    collect_diagnostics = { plan = ["logging.logEntries.list"], act = [] }
    scale_out           = local.scaling_permissions
    scale_in            = local.scaling_permissions
  }
  project_permissions = sort(distinct(concat(
    flatten([for action in local.actions : try(local.permissions[action].plan, [])]),
    flatten([for action in local.acting : try(local.permissions[action].act, [])]),
  )))
  key_permissions = contains(local.actions, "revoke_access") ? concat(
    ["iam.serviceAccountKeys.list"],
    contains(local.acting, "revoke_access") ? ["iam.serviceAccountKeys.disable", "iam.serviceAccountKeys.enable"] : [],
  ) : []

  resources = values(try(local.settings.resources, {}))
  services  = toset([for one in local.resources : one.service if can(one.service) && length(setintersection(local.actions, local.service_actions)) > 0])
  accounts  = toset([for one in local.resources : one.service_account if can(one.service_account) && contains(local.actions, "revoke_access")])
  acts_as   = toset([for account in var.action_accounts : account if length(setintersection(local.acting, concat(local.service_actions, ["rerun_pipeline"]))) > 0])

  runner = contains(keys(local.functions), "action_runner") ? "serviceAccount:${module.function["action_runner"].account}" : null
}

resource "google_project_iam_custom_role" "actions" {
  count       = length(local.project_permissions) > 0 ? 1 : 0
  role_id     = "aiaActions${var.role_suffix}"
  title       = "Actions of the playbooks"
  description = "What the playbooks of the settings name, and no more."
  permissions = local.project_permissions

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "actions" {
  count   = length(local.project_permissions) > 0 ? 1 : 0
  project = var.project
  role    = google_project_iam_custom_role.actions[0].id
  member  = local.runner
}

resource "google_project_iam_custom_role" "keys" {
  count       = length(local.key_permissions) > 0 ? 1 : 0
  role_id     = "aiaRevokeAccess${var.role_suffix}"
  title       = "Disables keys of service accounts"
  description = "Cannot make keys, unlike the role that Google has for it."
  permissions = local.key_permissions

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "keys" {
  for_each           = local.accounts
  service_account_id = "projects/${split(".", split("@", each.value)[1])[0]}/serviceAccounts/${each.value}"
  role               = google_project_iam_custom_role.keys[0].id
  member             = local.runner
}

resource "google_cloud_run_v2_service_iam_member" "actions" {
  for_each = local.services
  project  = split("/", each.value)[1]
  location = split("/", each.value)[3]
  name     = split("/", each.value)[5]
  role     = length(setintersection(local.acting, local.service_actions)) > 0 ? "roles/run.developer" : "roles/run.viewer"
  member   = local.runner
}

resource "google_service_account_iam_member" "acts_as" {
  for_each           = local.acts_as
  service_account_id = "projects/${split(".", split("@", each.value)[1])[0]}/serviceAccounts/${each.value}"
  role               = "roles/iam.serviceAccountUser"
  member             = local.runner
}
