# What is deployed is said by the files that the local stack reads as well; here they are only read.

locals {
  infra = "${path.module}/.."

  deployment          = yamldecode(file("${local.infra}/functions.yaml"))
  settings            = yamldecode(file(coalesce(var.settings, "${local.infra}/monitoring.yaml")))
  functions           = local.deployment.functions
  retry               = local.deployment.retry
  table_subscriptions = local.deployment.tables
  topics              = toset(local.deployment.topics)

  packages = coalesce(var.packages, "${path.module}/../../build/packages")
  archives = { for name in keys(local.functions) : name => fileset(local.packages, "${name}-????????????????.zip") }

  number = data.google_project.this.number

  # The address of a service that does not depend on its deployment, so that functions can know their own and each other's.
  addresses = {
    for name in keys(local.functions) :
    name => "https://${replace(name, "_", "-")}-${local.number}.${var.region}.run.app"
  }
}

# Google's own accounts in this project, which act for its services.
locals {
  agents = {
    pubsub     = "serviceAccount:service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    monitoring = "serviceAccount:service-${local.number}@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
  }
}
