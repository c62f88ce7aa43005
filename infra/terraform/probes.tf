# What health_check may ask of services of this project, by the kinds of probes of the settings (docs/settings.md, probes). A probe of a
# cluster names the address of its control plane; that of the DNS endpoint has the number of the cluster's project in it.

locals {
  probed_endpoints = [for probe in try(local.settings.probes, []) : split("/", probe.endpoint)[1] if try(probe.kind == "vertex", false)]
  probed_clusters  = [for probe in try(local.settings.probes, []) : probe.url if try(probe.kind == "gke" && endswith(probe.url, ".gke.goog"), false)]
  probe_permissions = concat(
    length(setintersection(local.probed_endpoints, [var.project, local.number])) > 0 ? ["aiplatform.endpoints.predict"] : [],
    anytrue([for url in local.probed_clusters : strcontains(url, "-${local.number}.")]) ? ["container.clusters.connect"] : [],
  )
}

resource "google_project_iam_custom_role" "probes" {
  count       = length(local.probe_permissions) > 0 ? 1 : 0
  role_id     = "aiaProbes${var.role_suffix}"
  title       = "Probes endpoints and clusters"
  description = "Asks endpoints for predictions, and reaches the control planes of clusters; changes nothing."
  permissions = local.probe_permissions

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "probes" {
  count   = length(local.probe_permissions) > 0 ? 1 : 0
  project = var.project
  role    = "projects/${var.project}/roles/${google_project_iam_custom_role.probes[0].role_id}"
  member  = "serviceAccount:${module.function["health_check"].account}"
}
