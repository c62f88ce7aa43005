# One alert policy for each rule of infra/alerts, in Prometheus' own format. Prometheus on one machine reads the same files.

locals {
  alerts_folder = coalesce(var.alerts, "${local.infra}/alerts")
  read_rules = flatten([
    for file in sort(fileset(local.alerts_folder, "*.yaml")) : [
      for group in yamldecode(file("${local.alerts_folder}/${file}")).groups : [
        for rule in group.rules : {
          file     = file
          group    = group.name
          name     = try(rule.alert, null)
          record   = try(rule.record, null)
          expr     = try(trimspace(rule.expr), "")
          labels   = { for label, value in try(rule.labels, {}) : label => tostring(value) }
          notes    = { for note, value in try(rule.annotations, {}) : note => tostring(value) }
          duration = try(rule.for, "0s")
          interval = try(group.interval, "60s")
        }
      ]
    ]
  ])
  recorded = [for rule in local.read_rules : rule.record if rule.record != null]

  # 1h30m is 5400 seconds.
  seconds = { s = 1, m = 60, h = 3600, d = 86400, w = 604800 }

  # How far back each rule looks at most: its longest range with the offset of that, and all its subqueries (core/promql.py).
  durations = {
    for text in distinct(flatten([for rule in local.read_rules : regexall("[0-9][0-9smhdw]*[smhdw]", rule.expr)])) :
    text => sum([for part in regexall("([0-9]+)([smhdw])", text) : tonumber(part[0]) * local.seconds[part[1]]])
  }
  lookbacks = {
    for rule in local.read_rules : rule.name => max(0, concat(
      [for part in regexall("\\[([0-9smhdw]+)\\](?:\\s*offset\\s+([0-9smhdw]+))?", rule.expr) : local.durations[part[0]] + try(local.durations[part[1]], 0)],
      [for part in regexall("\\boffset\\s+([0-9smhdw]+)", rule.expr) : local.durations[part[0]]],
    )...) + sum(concat([0], [for part in regexall("\\[([0-9smhdw]+):", rule.expr) : local.durations[part[0]]])) if rule.name != null
  }

  # The shortest interval of an evaluation that Google's guide of PromQL in alert policies allows below each lookback.
  shortest_intervals = [
    { below = 90000, seconds = 30 },     # 25 hours
    { below = 691200, seconds = 300 },   # 8 days
    { below = 1382400, seconds = 3600 }, # 16 days
    { below = 2764800, seconds = 7200 }, # 32 days
  ]

  rules = {
    for rule in local.read_rules : rule.name => merge(rule, {
      duration_seconds       = sum(concat([0], [for part in regexall("([0-9]+)([smhdw])", rule.duration) : tonumber(part[0]) * local.seconds[part[1]]]))
      group_interval_seconds = sum(concat([0], [for part in regexall("([0-9]+)([smhdw])", rule.interval) : tonumber(part[0]) * local.seconds[part[1]]]))
      shortest_interval      = try([for one in local.shortest_intervals : one.seconds if local.lookbacks[rule.name] < one.below][0], null)
      severity               = lookup({ critical = "CRITICAL", error = "ERROR", warning = "WARNING" }, lookup(rule.labels, "severity", ""), null)

      # The functions whose heartbeat is missed, also where it has never been.
      misses = distinct(flatten(regexall("aia_heartbeat_timestamp_seconds\\{function=\"(\\w+)\"", rule.expr)))

      # What is about the way to people must not go that way alone.
      path = lookup(rule.labels, "path", "")

      # Labels of a policy have fewer letters than those of a rule, and no templates: the condition has them as they are.
      user_labels = {
        for label, value in rule.labels : lower(label) => lower(value)
        if can(regex("^[a-z][a-z0-9_]{0,62}$", lower(label))) && can(regex("^[a-z0-9_-]{1,63}$", lower(value)))
      }

      # Templates as variables of Cloud Monitoring, as `gcloud monitoring policies migrate` translates them.
      told = {
        for note, text in rule.notes : note => replace(replace(replace(text,
          "/\\{\\{\\s*\\$labels\\.([A-Za-z_][A-Za-z0-9_]*)\\s*\\}\\}/", "$${metric_or_resource.label.$1}"),
          "/\\{\\{[^}$]*\\$labels\\.([A-Za-z_][A-Za-z0-9_]*)[^}]*\\}\\}/", "$${metric_or_resource.label.$1}"),
        "/\\{\\{[^}]*\\$value[^}]*\\}\\}/", "$${metric.label.value}")
      }
      runbook = startswith(lookup(rule.notes, "runbook_url", ""), "docs/runbooks/") && var.runbooks_url != "" ? replace(rule.notes.runbook_url, "docs/runbooks/", "${var.runbooks_url}/") : lookup(rule.notes, "runbook_url", "")
    }) if rule.name != null
  }

  # What always fires is for who expects it: to people it would be an incident that never ends. Nor does anybody miss what is
  # not scheduled (infra/scheduled.py). Conditions of thresholds look back for 25 hours at most; further is a preview.
  policies = {
    for name, rule in local.rules : name => rule
    if(name != "Watchdog" || var.watchdog_email != null)
    && length(setsubtract(rule.misses, keys(local.settings.jobs))) == 0
    && (var.alert_profile == "all" || name == "Watchdog" || rule.severity == "CRITICAL" || rule.path == "direct")
    && (var.long_lookback || local.lookbacks[name] <= 90000)
  }
  policy_names = toset(keys(local.policies)) # for each of them Terraform copies what it iterates over: names, not whole rules
}

resource "google_monitoring_alert_policy" "rule" {
  for_each              = local.policy_names
  display_name          = "${local.policies[each.key].group}/${each.key}"
  combiner              = "OR"
  severity              = local.policies[each.key].severity
  user_labels           = merge(local.policies[each.key].user_labels, local.our_label)
  notification_channels = each.key == "Watchdog" ? google_monitoring_notification_channel.watchdog[*].name : concat(local.policies[each.key].path == "direct" ? local.direct_channels : [], [google_monitoring_notification_channel.alerts.name])

  conditions {
    display_name = each.key

    condition_prometheus_query_language {
      query                     = local.policies[each.key].expr
      duration                  = "${local.policies[each.key].duration_seconds}s"
      evaluation_interval       = "${max(local.policies[each.key].group_interval_seconds, coalesce(local.policies[each.key].shortest_interval, 0))}s"
      rule_group                = local.policies[each.key].group
      alert_rule                = each.key
      labels                    = { for label, value in local.policies[each.key].labels : label => replace(value, "/\\{\\{ \\$labels\\.([A-Za-z_][A-Za-z0-9_]*) \\}\\}/", "$${$1}") }
      disable_metric_validation = true # a metric is known from its first point on
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = substr(lookup(local.policies[each.key].told, "summary", each.key), 0, 255)
    content = join("\n\n", compact([
      lookup(local.policies[each.key].told, "description", ""),
      lookup(local.policies[each.key].told, "impact", ""),
      local.policies[each.key].runbook == "" ? "" : "Runbook: ${local.policies[each.key].runbook}",
    ]))

    dynamic "links" {
      for_each = startswith(local.policies[each.key].runbook, "https://") ? [local.policies[each.key].runbook] : []
      content {
        display_name = "Runbook"
        url          = links.value
      }
    }
  }

  alert_strategy {
    auto_close           = "86400s" # of a series that is gone; where the condition no longer holds it closes at once
    notification_prompts = ["OPENED", "CLOSED"]

    dynamic "notification_channel_strategy" {
      for_each = each.key == "Watchdog" ? google_monitoring_notification_channel.watchdog[*].name : []
      content {
        notification_channel_names = [notification_channel_strategy.value]
        renotify_interval          = "1800s"
      }
    }
  }

  lifecycle {
    precondition {
      condition     = can(regex("^[A-Z][A-Za-z0-9]+$", each.key))
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key} must be a CamelCase name."
    }
    precondition {
      condition     = local.policies[each.key].expr != ""
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key} must have an expression."
    }
    precondition {
      condition     = can(regex("^([0-9]+[smhdw])+$", local.policies[each.key].duration)) && local.policies[each.key].duration_seconds % 30 == 0
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key}.for must be a multiple of 30 s, got ${local.policies[each.key].duration}."
    }
    precondition {
      condition     = can(regex("^([0-9]+[smhdw])+$", local.policies[each.key].interval)) && local.policies[each.key].group_interval_seconds % 30 == 0 && local.policies[each.key].group_interval_seconds > 0
      error_message = "infra/alerts/${local.policies[each.key].file}: the interval of ${local.policies[each.key].group} must be a multiple of 30 s, got ${local.policies[each.key].interval}."
    }
    precondition {
      condition     = local.policies[each.key].shortest_interval != null
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key} must look back for less than 32 days, got ${local.lookbacks[each.key]} s: for more, Google's guide names no interval."
    }
    precondition {
      condition     = contains(["none", "info", "warning", "error", "critical"], lookup(local.policies[each.key].labels, "severity", ""))
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key}.labels.severity must be none, info, warning, error or critical, got ${lookup(local.policies[each.key].labels, "severity", "nothing")}."
    }
    precondition {
      condition     = contains(["", "direct"], local.policies[each.key].path)
      error_message = "infra/alerts/${local.policies[each.key].file}: ${each.key}.labels.path must be direct, or not be there, got ${local.policies[each.key].path}."
    }
  }

  # What opens before its way to people is there is told to nobody, and never again. What is missed must have been started.
  depends_on = [
    google_cloud_scheduler_job.this,
    google_project_service.this,
    google_pubsub_topic_iam_member.alerts,
    module.function,
  ]
}
