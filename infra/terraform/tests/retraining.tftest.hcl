# Who may start trainings: only where a model of the settings has a pipeline, only `retrain`, and as the accounts they name.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}

variables {
  project             = "example-project"
  region              = "europe-west1"
  packages            = "../../build/terraform/retraining"
  notification_emails = ["ml-on-call@example.com"]
  environment         = {}
}

run "archives" {
  module {
    source = "./tests/setup"
  }
  variables {
    functions = keys(yamldecode(file("../functions.yaml")).functions)
    folder    = "../../build/terraform/retraining"
  }
}

run "pipelines" {
  command = plan
  variables {
    settings = "tests/samples/retraining.yaml"
  }

  assert {
    condition     = toset(google_project_iam_custom_role.retraining[0].permissions) == toset(["aiplatform.pipelineJobs.create", "aiplatform.pipelineJobs.get", "aiplatform.pipelineJobs.list"])
    error_message = "retrain must start trainings and see them, and no more."
  }
  assert {
    condition     = [for one in google_project_iam_member.retraining : "${one.role} ${one.member}"] == ["projects/example-project/roles/aiaRetraining serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com"]
    error_message = "retrain, and no other, must be granted it."
  }
  assert {
    condition     = toset([for one in google_service_account_iam_member.trains_as : "${one.role} ${one.service_account_id} ${one.member}"]) == toset(["roles/iam.serviceAccountUser projects/example-project/serviceAccounts/trainer@example-project.iam.gserviceaccount.com serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com", "roles/iam.serviceAccountUser projects/shop-project/serviceAccounts/returns@shop-project.iam.gserviceaccount.com serviceAccount:fn-retrain@example-project.iam.gserviceaccount.com"])
    error_message = "It must act as the accounts that the pipelines name."
  }
  assert {
    condition     = contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Vertex AI must be enabled where a pipeline trains."
  }
}

run "no_pipelines" {
  command = plan
  variables {
    environment = { AIA_INBOX_URL = "https://inbox.example.com/" }
  }

  assert {
    condition     = length(google_project_iam_custom_role.retraining) == 0 && length(google_project_iam_member.retraining) == 0 && length(google_service_account_iam_member.trains_as) == 0
    error_message = "Where nothing trains, nobody may."
  }
  assert {
    condition     = !contains(keys(google_project_service.this), "aiplatform.googleapis.com")
    error_message = "Where nothing uses Vertex AI, it must not be enabled."
  }
}

run "no_account" {
  command = plan
  variables {
    settings = "tests/samples/retraining_default.yaml"
  }
  expect_failures = [check.trainings_have_an_account]
}
