output "page" {
  description = "The page; who is in api_users reaches it through `gcloud run services proxy api`."
  value       = local.addresses["api"]
}

output "intake" {
  description = "Where other systems send their alerts, if alert_intake_public."
  value       = local.addresses["alert_intake"]
}

output "answers" {
  description = "What Slack (/slack), PagerDuty (/pagerduty), links in mails (/answer) and MLflow (/mlflow) call, if the settings have command_intake or the secret of MLflow's webhook."
  value       = local.addresses["command_intake"]
}

output "otlp" {
  description = "Where applications send OpenTelemetry, if AIA_OTLP_TOKEN is in `secrets`."
  value       = local.addresses["otlp"]
}

output "accounts" {
  description = "The service account of each function."
  value       = { for name, function in module.function : name => function.account }
}

output "subscriptions" {
  description = "The push subscriptions of each function."
  value       = { for name, function in module.function : name => function.subscriptions }
}

output "secrets" {
  description = "The secrets to fill, and the functions that read each."
  value       = local.readers
}

output "builder" {
  description = "The account that builds."
  value       = local.builder
}
