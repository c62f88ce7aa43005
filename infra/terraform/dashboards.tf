# One dashboard for each file of dashboards/, as it is: the page of the api draws the same files.

locals {
  dashboards_folder = coalesce(var.dashboards, "${local.infra}/../dashboards")
  dashboards = {
    for file in fileset(local.dashboards_folder, "*.json") : trimsuffix(file, ".json") => {
      file = file
      read = try(jsondecode(file("${local.dashboards_folder}/${file}")), {})

      # Links to the runbooks lead to where they are; where nobody says where that is, the path stands there as a text.
      text = var.runbooks_url == "" ? replace(
        file("${local.dashboards_folder}/${file}"), "/\\[([^\\[\\]]*)\\]\\((docs/runbooks/[^)]*)\\)/", "$1 ($2)"
        ) : replace(
        file("${local.dashboards_folder}/${file}"), "](docs/runbooks/", "](${var.runbooks_url}/"
      )
    }
  }
}

resource "google_monitoring_dashboard" "this" {
  for_each       = local.dashboards
  dashboard_json = each.value.text

  lifecycle {
    precondition {
      condition     = length(each.value.read) > 0 && can(jsondecode(each.value.text))
      error_message = "dashboards/${each.value.file}: must be a JSON object."
    }
    precondition {
      condition     = try(each.value.read.displayName, "") != ""
      error_message = "dashboards/${each.value.file}: displayName must not be empty."
    }
    precondition {
      condition     = !can(each.value.read.name) && !can(each.value.read.etag)
      error_message = "dashboards/${each.value.file}: must have neither name nor etag, which Cloud Monitoring gives."
    }
    precondition {
      condition     = can(length(each.value.read.mosaicLayout.tiles))
      error_message = "dashboards/${each.value.file}: must have a mosaicLayout with tiles."
    }
  }

  depends_on = [google_project_service.this]
}
