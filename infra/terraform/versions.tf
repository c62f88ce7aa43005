terraform {
  required_version = ">= 1.7"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }
}

provider "google" {
  project        = var.project
  region         = var.region
  default_labels = { system = "aia" }
}

data "google_project" "this" {
  project_id = var.project
}
