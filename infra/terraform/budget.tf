resource "google_billing_budget" "this" {
  count           = var.budget == null ? 0 : 1
  billing_account = var.budget.billing_account
  display_name    = "aia in ${var.project}"

  budget_filter {
    projects        = ["projects/${local.number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      currency_code = var.budget.currency
      units         = tostring(var.budget.amount)
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  # To people and not to the topic `alerts`: what Google publishes of a budget is no alert but how it stands, several times a day.
  # Without addresses Google tells those who administer the billing account.
  dynamic "all_updates_rule" {
    for_each = length(google_monitoring_notification_channel.email) > 0 ? [1] : []
    content {
      monitoring_notification_channels = slice([for channel in google_monitoring_notification_channel.email : channel.id], 0, min(5, length(google_monitoring_notification_channel.email)))
    }
  }

  depends_on = [google_project_service.this]
}
