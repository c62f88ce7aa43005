# What is refused, before anything is made.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/refused"
  notification_emails = ["ml-on-call@example.com"]
  environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/refused"
  }
}

# Each of them by itself: Terraform tells of all at once.
run "bad_values" {
  command = plan
  variables {
    project             = "123456789012"
    region              = "europe-west1-b"
    api_users           = ["allUsers"]
    api_ingress         = "ALLOW_NONE"
    api_url             = "https://example.com/page"
    environment         = { AIA_INBOX_URL = "https://inbox.example.com/", PAGERDUTY_KEY = "x" }
    secrets             = ["pagerduty_key"]
    notification_emails = ["Ada"]
    action_accounts     = ["123456789012-compute@developer.gserviceaccount.com"]
    runtime             = "python310"
    publishers          = { commands = ["allUsers"] }
    max_instances       = 0
    min_instances       = { incident_router = 11 }
    kms_key             = "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
    vpc_connector       = "aia"
    budget              = { billing_account = "012345-6789AB-CDEF01", amount = 0 }
    availability_goal   = 1
    role_suffix         = "-2"
    runbooks_url        = "http://example.com/runbooks"
    direct_channels     = { email = "mail" }
    settling_seconds    = { grants = -1 }
  }
  expect_failures = [
    var.project,
    var.region,
    var.api_users,
    var.api_ingress,
    var.api_url,
    var.environment,
    var.secrets,
    var.notification_emails,
    var.action_accounts,
    var.runtime,
    var.publishers,
    var.max_instances,
    var.min_instances,
    var.kms_key,
    var.vpc_connector,
    var.budget,
    var.availability_goal,
    var.role_suffix,
    var.runbooks_url,
    var.direct_channels,
    var.settling_seconds,
  ]
}

run "a_goal_whose_alert_could_never_fire" {
  command = plan
  variables {
    availability_goal = 0.93
  }
  expect_failures = [var.availability_goal]
}

run "what_follows_from_the_deployment" {
  command = plan
  variables {
    environment = { AIA_STORE = "sqlite:///tmp/store.db" }
  }
  expect_failures = [var.environment]
}

run "instances_of_a_function_that_is_not_there" {
  command = plan
  variables {
    min_instances = { incident_rooter = 1 }
  }
  expect_failures = [terraform_data.checked]
}

run "a_secret_that_nobody_uses" {
  command = plan
  variables {
    secrets = ["FORGOTTEN_KEY"]
  }
  expect_failures = [google_secret_manager_secret.this]
}

run "an_open_intake_without_a_token" {
  command = plan
  variables {
    alert_intake_public = true
  }
  expect_failures = [terraform_data.checked]
}

run "a_token_behind_iam" {
  command = plan
  variables {
    secrets = ["AIA_INTAKE_TOKEN"]
  }
  expect_failures = [terraform_data.checked]
}

run "a_floor_that_no_alert_knows" {
  command = plan
  variables {
    settings = "tests/samples/settings_floors.yaml"
  }
  # It is said, and refused nothing.
  expect_failures = [check.every_accuracy_floor_has_its_alert]
}

run "settings_with_an_unknown_name" {
  command = plan
  variables {
    settings = "tests/samples/settings.yaml"
  }
  expect_failures = [terraform_data.checked]
}
