# What people wait for: the page, and the two functions that every alert passes. The others work off a queue, and rules
# of infra/alerts see when they fall behind.

locals {
  slos = setintersection(["api", "alert_intake", "incident_router"], keys(local.functions))

  # How fast the budget of 28 days burns, over a long window and a short one, so that it ends soon after the fault does.
  # Only where the long window saw so many requests: the intake and the router are called a few times in a quiet hour and answer
  # 503 to a passing fault, so that Pub/Sub comes again. One of those among few is a large share, and calls people for what is
  # over. That they do not work at all AlertIntakeSilent and IncidentRouterSilent tell, by the messages that wait.
  burns = {
    fast = { rate = 14.4, windows = ["3600s", "300s"], severity = "CRITICAL", requests = 50 } # two per cent of it in an hour
    slow = { rate = 3, windows = ["86400s", "7200s"], severity = "WARNING", requests = 200 }  # ten per cent of it in a day
  }
  # With a goal so high that one failure of these many would still burn as fast, so many more that it does not.
  floors  = { for speed, burn in local.burns : speed => max(burn.requests, ceil(1 / (burn.rate * (1 - var.availability_goal)))) }
  burning = merge([for name in local.slos : { for speed, burn in local.burns : "${name}/${speed}" => merge(burn, { function = name, speed = speed }) }]...)
}

resource "google_monitoring_service" "this" {
  for_each     = local.slos
  service_id   = replace(each.value, "_", "-")
  display_name = each.value

  basic_service {
    service_type = "CLOUD_RUN"
    service_labels = {
      service_name = module.function[each.value].service
      location     = var.region
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_slo" "availability" {
  for_each            = local.slos
  service             = google_monitoring_service.this[each.value].service_id
  slo_id              = "availability"
  display_name        = "${each.value} answers"
  goal                = var.availability_goal
  rolling_period_days = 28

  basic_sli {
    availability {
      enabled = true
    }
  }
}

resource "google_monitoring_alert_policy" "burn" {
  for_each              = local.burning
  display_name          = "slo/${each.value.function}/${each.value.speed}"
  combiner              = "AND"
  severity              = each.value.severity
  user_labels           = merge({ function = each.value.function, severity = lower(each.value.severity), category = "availability" }, local.our_label)
  notification_channels = each.value.function == "api" ? [google_monitoring_notification_channel.alerts.name] : local.direct_channels

  dynamic "conditions" {
    for_each = each.value.windows
    content {
      display_name = "Error budget burns ${each.value.rate} times too fast over ${conditions.value}"

      condition_threshold {
        filter          = "select_slo_burn_rate(\"projects/${local.number}/services/${google_monitoring_service.this[each.value.function].service_id}/serviceLevelObjectives/${google_monitoring_slo.availability[each.value.function].slo_id}\", \"${conditions.value}\")"
        comparison      = "COMPARISON_GT"
        threshold_value = each.value.rate
        duration        = "0s"
      }
    }
  }

  conditions {
    display_name = "More than ${local.floors[each.value.speed]} requests over ${each.value.windows[0]}"

    condition_threshold {
      filter          = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${module.function[each.value.function].service}\" AND resource.labels.location=\"${var.region}\""
      comparison      = "COMPARISON_GT"
      threshold_value = local.floors[each.value.speed]
      duration        = "0s"

      aggregations {
        alignment_period     = each.value.windows[0]
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${each.value.function} fails too often"
    content   = "At this rate its error budget of 28 days (${format("%.2f", (1 - var.availability_goal) * 100)} per cent) is gone in ${floor(28 / each.value.rate)} days. Its log says what fails.\n\nRunbook: ${var.runbooks_url == "" ? "docs/runbooks" : var.runbooks_url}/system.md#a-function-does-not-answer"
  }

  # What opens before its way to people is there is told to nobody, and never again.
  depends_on = [google_pubsub_topic_iam_member.alerts, module.function]
}
