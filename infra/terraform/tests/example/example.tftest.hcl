# terraform.tfvars.example as it is: its variables come by -var-file, as a person's would.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  packages = "../../build/terraform/example"
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/example"
  }
}

run "example" {
  command = plan

  # The functions by themselves are another run's.
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

  assert {
    condition     = length(google_monitoring_notification_channel.email) == 1 && local.known["AIA_INBOX_URL"] == "https://tickets.example.com/hook"
    error_message = "The example must say who is told, and where messages go."
  }
}
