# Whether what people and other systems call answers from outside. The page is behind IAM, so the check calls as Monitoring's own
# account, which may; checks count as inside, whatever the ingress. An open intake answers what is no POST with 405.
# No path is /healthz: Cloud Run keeps paths that end with a z to itself.

locals {
  reached = merge(
    { api = { alert = "ApiUnreachable", status = 200, proves = true, channels = [google_monitoring_notification_channel.alerts.name] } },
    # What is about the way to people must not go that way.
    var.alert_intake_public ? { alert_intake = { alert = "AlertIntakeUnreachable", status = 405, proves = false, channels = local.direct_channels } } : {},
  )
}

resource "google_monitoring_uptime_check_config" "this" {
  for_each     = local.reached
  display_name = each.key
  timeout      = "10s"
  period       = "300s"

  http_check {
    path         = "/"
    port         = 443
    use_ssl      = true
    validate_ssl = true

    dynamic "service_agent_authentication" {
      for_each = each.value.proves ? ["OIDC_TOKEN"] : []
      content {
        type = service_agent_authentication.value
      }
    }
    accepted_response_status_codes {
      status_value = each.value.status
    }
  }

  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project, host = trimprefix(local.addresses[each.key], "https://") }
  }

  depends_on = [module.function]
}

resource "google_cloud_run_v2_service_iam_member" "uptime" {
  location = var.region
  name     = module.function["api"].service
  role     = "roles/run.invoker"
  member   = local.agents.monitoring

  depends_on = [terraform_data.accounts]
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each              = local.reached
  display_name          = "uptime/${each.value.alert}"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = merge({ severity = "error", category = "availability", function = each.key }, local.our_label)
  notification_channels = each.value.channels

  conditions {
    display_name = each.value.alert

    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND resource.type=\"uptime_url\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.this[each.key].uptime_check_id}\""
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
    subject   = "${each.key} cannot be reached"
    content = join("\n\n", [
      "Seen from at least two places. ${each.key == "api" ? "Nobody can acknowledge or approve anything on the page; messages go out as before." : "Other systems cannot send their alerts; what comes by Pub/Sub is taken as before."}",
      "Runbook: ${var.runbooks_url == "" ? "docs/runbooks" : var.runbooks_url}/system.md#a-function-does-not-answer",
    ])
  }

  # What opens before its way to people is there is told to nobody, and never again.
  depends_on = [google_pubsub_topic_iam_member.alerts, module.function]
}
