output "account" {
  description = "The address of its service account."
  value       = local.account
}

output "service" {
  description = "Its Cloud Run service."
  value       = google_cloudfunctions2_function.this.name
}

output "url" {
  description = "Where it answers."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "subscriptions" {
  description = "Its subscriptions."
  value       = keys(google_pubsub_subscription.push)
}
