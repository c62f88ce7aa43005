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
