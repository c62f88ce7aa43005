output "account" {
  description = "The address of its service account."
  value       = local.account
}

output "service" {
  description = "Its Cloud Run service."
  value       = local.name
}

output "url" {
  description = "Where it answers."
  value       = local.url
}

output "subscriptions" {
  description = "Its subscriptions."
  value       = keys(google_pubsub_subscription.push)
}

output "archive" {
  description = "The object that it is built from."
  value       = google_storage_bucket_object.archive.name
}

output "environment" {
  description = "Its environment, without secrets."
  value       = local.environment
}

output "secrets" {
  description = "Its secrets: the id in Secret Manager of each environment variable."
  value       = var.secrets
}

output "grants" {
  description = "Its grants on the project."
  value = [
    for grant in concat(
      google_project_iam_member.charts[*],
      google_project_iam_member.keeps[*],
      google_project_iam_member.measures[*],
      google_project_iam_member.queries[*],
    ) : { project = grant.project, member = grant.member, role = grant.role, condition = grant.condition }
  ]
}
