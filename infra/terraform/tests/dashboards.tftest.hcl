# What a file of dashboards/ becomes.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/dashboards"
  notification_emails = ["ml-on-call@example.com"]
  environment         = { AIA_INBOX_URL = "https://inbox.example.com/" }
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/dashboards"
  }
}

run "links_lead_to_the_runbooks" {
  command = plan
  variables {
    dashboards   = "tests/samples/dashboards_valid"
    runbooks_url = "https://example.com/runbooks"
  }

  assert {
    condition     = keys(google_monitoring_dashboard.this) == ["sample"]
    error_message = "A file must be a dashboard."
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.this["sample"].dashboard_json).mosaicLayout.tiles[0].widget.text.content == "[Drift](https://example.com/runbooks/models.md#drift), [elsewhere](https://example.com/x)"
    error_message = "Links to the runbooks must lead to where they are, and others stay."
  }
}

run "without_an_address_the_paths_are_named" {
  command = plan
  variables {
    dashboards = "tests/samples/dashboards_valid"
  }

  assert {
    condition     = jsondecode(google_monitoring_dashboard.this["sample"].dashboard_json).mosaicLayout.tiles[0].widget.text.content == "Drift (docs/runbooks/models.md#drift), [elsewhere](https://example.com/x)"
    error_message = "A link that leads nowhere must be a text."
  }
}

run "a_file_that_is_no_json_is_refused" {
  command = plan
  variables {
    dashboards = "tests/samples/dashboards_broken"
  }
  expect_failures = [google_monitoring_dashboard.this]
}

run "a_name_of_the_servers_is_refused" {
  command = plan
  variables {
    dashboards = "tests/samples/dashboards_named"
  }
  expect_failures = [google_monitoring_dashboard.this]
}

run "a_dashboard_without_a_name_is_refused" {
  command = plan
  variables {
    dashboards = "tests/samples/dashboards_empty"
  }
  expect_failures = [google_monitoring_dashboard.this]
}
