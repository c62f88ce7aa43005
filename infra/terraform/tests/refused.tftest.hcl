# What is refused, before anything is made.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

# The functions by themselves are another file's: here only what is around them is planned.
override_module {
  target = module.function
  outputs = {
    account       = "fn-name@example-project.iam.gserviceaccount.com"
    service       = "name"
    url           = "https://name-123456789012.europe-west1.run.app"
    subscriptions = []
    archive       = "name-0123.zip"
    environment   = {}
    secrets       = {}
    grants        = []
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/refused"
  notification_emails = ["ml-on-call@example.com"]
  environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
  alerts              = "tests/samples/alerts_valid"
  dashboards          = "tests/samples/dashboards_valid"
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
    alert_profile       = "few"
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
    var.alert_profile,
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

# The other ends of what is checked in two ways: an alert that could never fire, and what follows from the deployment.
run "other_bad_values" {
  command = plan
  variables {
    availability_goal = 0.93
    environment       = { AIA_STORE = "sqlite:///tmp/store.db" }
  }
  expect_failures = [var.availability_goal, var.environment]
}

run "what_does_not_fit_the_rest" {
  command = plan
  plan_options {
    target = [google_secret_manager_secret.this, terraform_data.checked]
  }
  variables {
    alert_intake_public = true                          # without its token
    min_instances       = { incident_rooter = 1 }       # no function is called so
    secrets             = ["FORGOTTEN_KEY"]             # nobody uses it
    settings            = "tests/samples/settings.yaml" # with names that are nowhere
  }
  expect_failures = [
    google_secret_manager_secret.this["FORGOTTEN_KEY"],
    terraform_data.checked["min_instances"],
    terraform_data.checked["names_in_the_settings"],
    terraform_data.checked["token_of_an_open_intake"],
  ]
}

run "a_token_behind_iam" {
  command = plan
  plan_options {
    target = [terraform_data.checked]
  }
  variables {
    secrets = ["AIA_INTAKE_TOKEN"]
  }
  expect_failures = [terraform_data.checked["token_of_an_open_intake"]]
}

run "bad_files" {
  command = plan
  plan_options {
    target = [google_monitoring_alert_policy.rule, google_monitoring_dashboard.this, terraform_data.checked]
  }
  variables {
    alerts     = "tests/samples/alerts_refused"
    dashboards = "tests/samples/dashboards_refused"
  }
  expect_failures = [
    google_monitoring_alert_policy.rule["SampleAstray"], # another path
    google_monitoring_alert_policy.rule["SampleUneven"], # half a half minute
    google_monitoring_dashboard.this["broken"],          # no JSON
    google_monitoring_dashboard.this["empty"],           # no name
    google_monitoring_dashboard.this["named"],           # a name that the server gives
    terraform_data.checked["recording_rules"],
  ]
}

# It is said, and refused nothing.
run "what_is_told" {
  command = plan
  variables {
    settings    = "tests/samples/settings_told.yaml"
    api_ingress = "ALLOW_INTERNAL_ONLY"
  }
  expect_failures = [
    check.the_page_can_be_probed,
    check.trainings_have_an_account,
  ]
}
