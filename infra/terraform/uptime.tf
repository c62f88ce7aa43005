# Whether the page answers from outside. It is behind IAM, so the check calls as Monitoring's own account, which may.
# The path is not /healthz: Cloud Run keeps paths that end with a z to itself.

resource "google_monitoring_uptime_check_config" "api" {
  count        = var.api_ingress == "ALLOW_ALL" ? 1 : 0
  display_name = "api"
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    service_agent_authentication {
      type = "OIDC_TOKEN"
    }
    accepted_response_status_codes {
      status_value = 200
    }
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimprefix(local.addresses["api"], "https://") }
  }

  depends_on = [module.function]
}

resource "google_monitoring_alert_policy" "uptime" {
  count                 = length(google_monitoring_uptime_check_config.api)
  display_name          = "uptime/ApiUnreachable"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = { severity = "error", category = "availability", function = "api" }
  notification_channels = [google_monitoring_notification_channel.alerts.name]

  conditions {
    display_name = "ApiUnreachable"

    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.api[0].uptime_check_id}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "300s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "The page cannot be reached"
    content   = "Seen from at least two places. Nobody can acknowledge or approve anything there; messages go out as before.\n\nRunbook: ${var.runbooks_url == "" ? "docs/runbooks" : var.runbooks_url}/system.md#a-function-does-not-answer"
  }
}
