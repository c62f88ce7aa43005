# What no single variable can say about the others: one instance each, so that a test can tell which was refused.
resource "terraform_data" "checked" {
  for_each = {
    rights_of_functions = {
      holds = length(setsubtract(keys(local.functions), keys(local.rights))) == 0
      says  = "infra/functions.yaml: ${join(", ", setsubtract(keys(local.functions), keys(local.rights)))} must have rights in rights.tf."
    }
    names_in_the_settings = {
      holds = length(setsubtract(local.named, setunion(keys(local.known), var.secrets))) == 0
      says  = "environment: the settings name ${join(", ", setsubtract(local.named, setunion(keys(local.known), var.secrets)))}, which must be in `environment`, or in `secrets` where it is one."
    }
    secrets_in_the_environment = {
      holds = length(setintersection(keys(var.environment), var.secrets)) == 0
      says  = "secrets: ${join(", ", setintersection(keys(var.environment), var.secrets))} must not be in `environment` as well."
    }
    token_of_an_open_intake = {
      holds = var.alert_intake_public == contains(var.secrets, "AIA_INTAKE_TOKEN")
      says  = "alert_intake_public: must be true where AIA_INTAKE_TOKEN is in `secrets`, and only there: an intake that is open to the network asks for a token by itself, and one behind IAM would refuse Pub/Sub for having none."
    }
    min_instances = {
      holds = length(setsubtract(keys(var.min_instances), keys(local.functions))) == 0
      says  = "min_instances: ${join(", ", setsubtract(keys(var.min_instances), keys(local.functions)))} must be a function of infra/functions.yaml."
    }
    recording_rules = {
      holds = length(local.recorded) == 0
      says  = "infra/alerts: recording rules (${join(", ", local.recorded)}) must be written out in the alerts: Cloud Monitoring records nothing."
    }
    jobs = {
      holds = length(setsubtract(keys(local.settings.jobs), keys(local.functions))) == 0
      says  = "jobs: ${join(", ", setsubtract(keys(local.settings.jobs), keys(local.functions)))} must be a function of infra/functions.yaml."
    }
    references = {
      holds = length(local.wrong_references) == 0
      says  = "infra/functions.yaml: ${join(", ", local.wrong_references)} must be a topic or a table that there is."
    }
  }

  lifecycle {
    precondition {
      condition     = each.value.holds
      error_message = each.value.says
    }
  }
}

locals {
  wrong_references = setsubtract(
    concat(
      flatten([for function in values(local.functions) : [for trigger in function.triggers : trigger.topic]]),
      flatten([for one in values(local.table_subscriptions) : [one.topic, one.table]]),
    ),
    concat(local.deployment.topics, keys(local.tables)),
  )
}

check "people_hear_of_incidents" {
  assert {
    condition     = !contains(local.named, "AIA_INBOX_URL") || local.known["AIA_INBOX_URL"] != local.nowhere
    error_message = "The channels of the settings lead to AIA_INBOX_URL, which is not in `environment`: incidents are kept and shown, and nobody is told. Write your own channels into infra/monitoring.yaml (docs/channels.md)."
  }
}

check "people_hear_of_the_system" {
  assert {
    condition     = length(var.notification_emails) + length(var.direct_channels) > 0
    error_message = "Neither notification_emails nor direct_channels is given: nobody is told when this system itself does not work."
  }
}

check "the_page_can_be_probed" {
  assert {
    condition     = var.api_ingress == "ALLOW_ALL" || var.api_url != null || length(google_cloud_run_v2_service_iam_member.probes) == 0
    error_message = "api_ingress is ${var.api_ingress}: a probe of AIA_API_URL comes from Cloud Run, which is no place inside, and would fail. Give api_url, the address of the load balancer, or take the probe out of the settings: the uptime check looks at the page as well."
  }
}
