# The secrets are made here and filled outside, so that no value is ever in the state. Who may read one follows from
# where the settings name it.

locals {
  # The channels that get weekly reports.
  reported_to = toset(flatten([for one in try(local.settings.reports, []) : one.to]))

  # The names in each section of the settings; command_intake and registry have secrets of several functions.
  named_in = {
    for section, content in merge(
      { for name, content in local.settings : name => content if !contains(["command_intake", "registry"], name) },
      { for name, content in try(local.settings.command_intake, {}) : "command_intake.${name}" => content },
      { for name, content in try(local.settings.registry.mlflow, {}) : "registry.mlflow.${name}" => content },
      { "channels of reports" = [for one in try(local.settings.channels, []) : one if contains(local.reported_to, one.name)] },
    ) :
    section => toset(flatten(regexall("\\$\\{([A-Za-z_][A-Za-z0-9_]*)\\}", jsonencode(content))))
  }
  named = setunion(toset([]), values(local.named_in)...)

  # The functions that use a section's secrets; the settings have secrets nowhere else.
  users_of_section = {
    channels  = ["incident_router", "incident_sweep"]
    probes    = ["health_check"]
    resources = ["action_runner"]
    surveys   = ["api"]

    "channels of reports" = ["bi_rollup"]

    "command_intake.slack"     = ["command_intake"]
    "command_intake.pagerduty" = ["command_intake"]
    "command_intake.links"     = ["command_intake", "incident_router", "incident_sweep"] # who sends mails signs their links

    "registry.mlflow.token"          = ["pipeline_monitor", "promotion"]
    "registry.mlflow.webhook_secret" = ["command_intake"]
  }
  # Those that are read from the environment by themselves.
  users_of_secret = {
    AIA_INTAKE_TOKEN   = ["alert_intake"]
    AIA_OTLP_TOKEN     = ["otlp"]
    AIA_REDIS_PASSWORD = ["action_runner"]
    AIA_SILENCES_TOKEN = ["alert_intake"]
  }
  readers = {
    for secret in var.secrets : secret => toset(concat(
      flatten([for section, users in local.users_of_section : users if contains(try(local.named_in[section], []), secret)]),
      try(local.users_of_secret[secret], []),
    ))
  }

  # The settings are one file and are refused where a name in them is missing. Who does not use a secret gets this in its
  # place: no key of anything, in a form that the settings take, and another one for each, because two channels must not lead to
  # the same place.
  placeholders = {
    for secret in setintersection(var.secrets, local.named) :
    secret => contains(local.secret_addresses, secret) ? "https://withheld.invalid/${secret}" : format("%032d", index(sort(var.secrets), secret))
  }
  secret_addresses = flatten([
    for one in concat(try(local.settings.channels, []), try(local.settings.probes, []), flatten([for probe in try(local.settings.probes, []) : try(probe.steps, [])])) : regexall("^\\$\\{([A-Za-z0-9_]+)\\}$", try(one.url, ""))
  ])
}

resource "google_secret_manager_secret" "this" {
  for_each            = var.secrets
  secret_id           = lower(replace(each.value, "_", "-"))
  deletion_protection = false # its value comes from elsewhere and can be set again

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key[*]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.readers[each.value]) > 0
      error_message = "secrets: ${each.value} is used by no function: the settings name it in none of channels, probes, resources, surveys, command_intake and registry, and it is neither of ${join(", ", keys(local.users_of_secret))}."
    }
  }

  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.this]
}
