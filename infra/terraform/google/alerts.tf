# Who is told, and of what: a call that failed, a job that fell silent, a key that is about to expire, a rotation that failed, a
# message that was given up.
# Each invocation writes one line with `outcome` and `code`, and with `key_expires_in_days` where the key's expiry is known.

locals {
  # Cloud Run's services have the functions' names.
  job_names = [for key, function in local.functions : function.name if key != "rotate"]
  job_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", local.job_names)}\")"
  all_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", values(local.functions)[*].name)}\")"

  # A line of a function that failed, or of its scheduler that did not get through. In Cloud Logging OR binds tighter than AND,
  # which is what stands between two comparisons: without their parentheses these would mean something else.
  failures = {
    for key, names in { run = local.job_names, rotate = ["${var.name}-rotate"] } : key => join(" OR ", [
      "(resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", names)}\") (jsonPayload.outcome=\"failed\" OR severity>=CRITICAL))",
      "(resource.type=\"cloud_scheduler_job\" resource.labels.job_id=\"${key == "run" ? var.name : "${var.name}-${key}"}\" severity>=ERROR)",
    ])
  }

  channels = sort(concat(tolist(var.notification_channels), [for channel in google_monitoring_notification_channel.email : channel.id]))

  # The longest that a schedule of this form may pause, in hours: cron's fields are minute, hour, day, month, day of the week.
  cron = split(" ", var.schedule)
  schedule_gap_hours = (
    local.cron[3] != "*" ? 24 * 366 :
    local.cron[2] != "*" ? 24 * 31 :
    local.cron[4] != "*" ? 24 * 7 :
    local.cron[1] == "*" ? 1 :
    can(regex("^\\*/[0-9]+$", local.cron[1])) ? tonumber(trimprefix(local.cron[1], "*/")) :
    24
  )
  silence_hours = min(var.silence_schedules * local.schedule_gap_hours, 24 * 365)
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  project      = var.project_id
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }

  depends_on = [google_project_service.required]
}

check "somebody_is_told" {
  assert {
    condition     = length(var.alert_emails) + length(var.notification_channels) > 0
    error_message = "Nobody is told when the function fails or falls silent; set alert_emails or notification_channels."
  }
}

resource "google_logging_metric" "calls" {
  for_each = { succeeded = "ok", failed = "failed" }

  project     = var.project_id
  name        = "${replace(var.name, "-", "_")}_${each.key}"
  description = "Calls of ${var.name} that ${each.key}."
  filter      = "${local.job_logs} jsonPayload.outcome=\"${each.value}\""

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [google_project_service.required]
}

# Whatever failed, told by the function or, where it was not reached, by the scheduler.
resource "google_monitoring_alert_policy" "failure" {
  project               = var.project_id
  display_name          = "${var.name}: a call failed"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a line of a call that failed"

    condition_matched_log {
      filter = local.failures["run"]
      label_extractors = {
        code    = "EXTRACT(jsonPayload.code)"
        message = "EXTRACT(jsonPayload.message)"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }

  documentation {
    subject = "${var.name} failed"
    content = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\nThe project's README, \"When it fails\", has a row for each code. Without a code, the scheduler did not get through: 403 is a missing right to call, 404 the ingress."
  }
}

# PromQL, since what is too quiet must be looked for further back than the 23.5 hours that an absence condition reaches: a daily
# job is silent after days. It holds before the first success, too, so the first call belongs to the deployment.
resource "google_monitoring_alert_policy" "silence" {
  project               = var.project_id
  display_name          = "${var.name}: no call has succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  enabled               = var.schedule_enabled
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "no success in ${local.silence_hours} hours"

    condition_prometheus_query_language {
      query                     = "(sum(sum_over_time(logging_googleapis_com:user_${google_logging_metric.calls["succeeded"].name}{monitored_resource=\"cloud_run_revision\",service_name=\"${local.functions["run"].name}\"}[${local.silence_hours}h])) or vector(0)) < 1"
      duration                  = "600s"
      evaluation_interval       = "300s"
      disable_metric_validation = true # the metric has no values before the first call
    }
  }

  documentation {
    subject = "${var.name} is silent"
    content = "No call has succeeded in ${local.silence_hours} hours (${var.silence_schedules} schedules of \"${var.schedule}\"). Look at the last lines: if there are failures, at their code; if there is nothing, at the scheduler's job, which may be paused, deleted or not let in."
  }
}

resource "google_monitoring_alert_policy" "key_expiry" {
  project               = var.project_id
  display_name          = "${var.name}: the key expires soon"
  combiner              = "OR"
  severity              = "WARNING"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a line that gives the key less than ${var.key_expiry_alert_days} days"

    condition_matched_log {
      filter           = "${local.all_logs} jsonPayload.key_expires_in_days<${var.key_expiry_alert_days}"
      label_extractors = { expires = "EXTRACT(jsonPayload.key_expires)" }
    }
  }

  alert_strategy {
    auto_close = "604800s"

    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    subject = "The key of ${var.name} expires soon"
    content = "It expires at $${log.extracted_label.expires}; HelseID refuses it from then on. Replace it after the project's README, \"The key\"${var.rotation == null ? "" : ", or see why ${var.name}-rotate has not"}."
  }
}

resource "google_monitoring_alert_policy" "rotation" {
  count = local.rotation_count

  project               = var.project_id
  display_name          = "${var.name}: the key's replacement failed"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a line of a rotation that failed"

    condition_matched_log {
      filter = local.failures["rotate"]
      label_extractors = {
        code    = "EXTRACT(jsonPayload.code)"
        message = "EXTRACT(jsonPayload.message)"
      }
    }
  }

  alert_strategy {
    auto_close = "604800s"

    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    subject = "${var.name}-rotate failed"
    content = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\nThe key in use goes on working until it expires. The project's README, \"Rotation\", says what to do."
  }
}

# A message that never got through to the function left no line of a call; it lies among the dead letters and waits.
resource "google_monitoring_alert_policy" "dead_letter" {
  count = local.pubsub_count

  project               = var.project_id
  display_name          = "${var.name}: messages were given up"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a message among the dead letters"

    condition_threshold {
      filter          = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\" resource.labels.subscription_id=\"${google_pubsub_subscription.dead_letter[0].name}\""
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period   = "300s"
        per_series_aligner = "ALIGN_MAX"
      }
    }
  }

  documentation {
    subject = "${var.name} gave up messages"
    content = "They are kept for 14 days on the subscription ${google_pubsub_subscription.dead_letter[0].name}; look at them with `gcloud pubsub subscriptions pull`, and with `--auto-ack` once they are dealt with. If no call is told of as failed, they never got through: 403 in the log of ${var.name}-events is a missing right to call, 404 the ingress."
  }
}

resource "google_monitoring_dashboard" "overview" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 12
      tiles = [
        { width = 6, height = 4, widget = {
          title = "Calls an hour: succeeded and failed"
          xyChart = { dataSets = [for metric in google_logging_metric.calls : {
            plotType       = "STACKED_BAR"
            legendTemplate = metric.name
            timeSeriesQuery = { timeSeriesFilter = {
              filter      = "metric.type=\"logging.googleapis.com/user/${metric.name}\" resource.type=\"cloud_run_revision\""
              aggregation = { alignmentPeriod = "3600s", perSeriesAligner = "ALIGN_DELTA", crossSeriesReducer = "REDUCE_SUM" }
            } }
          }] }
        } },
        { xPos = 6, width = 6, height = 4, widget = {
          title = "Time to answer, 95th percentile"
          xyChart = { dataSets = [{
            plotType = "LINE"
            timeSeriesQuery = { timeSeriesFilter = {
              filter      = "metric.type=\"run.googleapis.com/request_latencies\" resource.type=\"cloud_run_revision\" resource.labels.service_name=\"${local.functions["run"].name}\""
              aggregation = { alignmentPeriod = "3600s", perSeriesAligner = "ALIGN_PERCENTILE_95", crossSeriesReducer = "REDUCE_MAX" }
            } }
          }] }
        } },
        { yPos = 4, width = 12, height = 6, widget = {
          title     = "What failed"
          logsPanel = { filter = "${local.all_logs} severity>=WARNING", resourceNames = ["projects/${var.project_id}"] }
        } },
      ]
    }
  })

  depends_on = [google_project_service.required]
}
