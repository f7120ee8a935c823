# Alerts: a failed call, a job without a success, a result that was not delivered, a cursor that does not move, a key that expires
# soon, a failed rotation, a dead-lettered message. Each invocation writes one line with `outcome` and `code`, with
# `key_expires_in_days` if the key's expiry is known, and with `cursor_unmoved_hours` if the job has a cursor.

locals {
  # The Cloud Run services have the functions' names.
  job_names = [for key, function in local.functions : function.name if key != "rotate"]
  job_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", local.job_names)}\")"
  all_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", values(local.functions)[*].name)}\")"

  # A line of a failed call, or of a scheduler job that could not reach the function. In Cloud Logging OR binds tighter than AND,
  # which is also implied between two comparisons, so the parentheses are needed.
  failures = {
    for key, names in { run = local.job_names, rotate = ["${var.name}-rotate"] } : key => join(" OR ", [
      "(resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", names)}\") (jsonPayload.outcome=\"failed\" OR severity>=CRITICAL))",
      "(resource.type=\"cloud_scheduler_job\" resource.labels.job_id=\"${key == "run" ? var.name : "${var.name}-${key}"}\" severity>=ERROR)",
    ])
  }

  channels = sort(concat(tolist(var.notification_channels), [for channel in google_monitoring_notification_channel.email : channel.id]))

  # The longest gap of a schedule of this form, in hours. The cron fields are minute, hour, day, month, day of the week.
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

check "somebody_is_notified" {
  assert {
    condition     = length(var.alert_emails) + length(var.notification_channels) > 0
    error_message = "Nobody is notified when the function fails or no longer succeeds; set alert_emails or notification_channels."
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

# Any failure, reported by the function or, if it was not reached, by the scheduler.
resource "google_monitoring_alert_policy" "failure" {
  project               = var.project_id
  display_name          = "${var.name}: a call failed"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a log line of a failed call"

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
    content = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\ndocs/errors.md explains each code. Without a code, the scheduler could not reach the function: 403 means a missing permission to call it, 404 the ingress setting."
  }
}

# PromQL, because an absence condition looks back 23.5 hours at most, and a daily job is silent only after days. The condition is
# also met before the first success, so the first call is part of the deployment.
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
    content = "No call has succeeded in ${local.silence_hours} hours (${var.silence_schedules} schedules of \"${var.schedule}\"). Read the latest log lines. If there are failures, look up their code. If there are none, check the scheduler job: it may be paused, deleted or not permitted to call."
  }
}

# A run that another one has overtaken is no result that is missing: the other run delivers it.
resource "google_monitoring_alert_policy" "undelivered" {
  count = local.result_to == null && local.cursor_in == null ? 0 : 1

  project               = var.project_id
  display_name          = "${var.name}: a result was not delivered"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a log line with a code of delivery"

    condition_matched_log {
      filter = "${local.job_logs} jsonPayload.code=~\"^delivery[.]\" NOT jsonPayload.code=\"delivery.refused.overtaken\""
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
    subject = "${var.name} could not deliver a result, or read or move its cursor"
    content = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\ndocs/errors.md explains each code, and docs/operating.md what to do. Nothing is acknowledged that was not delivered: a job with a cursor goes on from where it was."
  }
}

# Only lines of successes: if runs fail, the alerts above say so.
resource "google_monitoring_alert_policy" "cursor" {
  count = var.cursor_unmoved_hours == null ? 0 : 1

  project               = var.project_id
  display_name          = "${var.name}: the cursor does not move"
  combiner              = "OR"
  severity              = "WARNING"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a log line of a success with a cursor that has not moved for ${var.cursor_unmoved_hours} hours"

    condition_matched_log {
      filter           = "${local.job_logs} jsonPayload.outcome=\"ok\" jsonPayload.cursor_unmoved_hours>${var.cursor_unmoved_hours}"
      label_extractors = { hours = "EXTRACT(jsonPayload.cursor_unmoved_hours)" }
    }
  }

  alert_strategy {
    auto_close = "604800s"

    notification_rate_limit {
      period = "86400s"
    }
  }

  documentation {
    subject = "The cursor of ${var.name} does not move"
    content = "Runs succeed, but its cursor${local.cursor_in == null ? "" : " ${local.cursor_in}"} has not moved for $${log.extracted_label.hours} hours. Either the API has had nothing new for that long, or the job no longer asks for it. docs/operating.md describes how to find out."
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
    display_name = "a log line with fewer than ${var.key_expiry_alert_days} days left"

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
    content = "It expires at $${log.extracted_label.expires}, and HelseID refuses it after that. Replace it as docs/keys-and-rotation.md describes${var.rotation == null ? "" : ", or find out why ${var.name}-rotate has not"}."
  }
}

resource "google_monitoring_alert_policy" "rotation" {
  count = local.rotation_count

  project               = var.project_id
  display_name          = "${var.name}: the key rotation failed"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a log line of a failed rotation"

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
    content = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\nThe current key works until it expires. docs/keys-and-rotation.md describes what to do."
  }
}

# A message that never reached the function has no log line of a call; it waits in the dead-letter subscription.
resource "google_monitoring_alert_policy" "dead_letter" {
  count = local.pubsub_count

  project               = var.project_id
  display_name          = "${var.name}: messages were dead-lettered"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "a dead-lettered message"

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
    subject = "${var.name} dead-lettered messages"
    content = "They are kept for 14 days on the subscription ${google_pubsub_subscription.dead_letter[0].name}; read them with `gcloud pubsub subscriptions pull`, and add `--auto-ack` once you have dealt with them. If no failed call is reported, they never reached the function: in the log of ${var.name}-events, 403 means a missing permission to call it, 404 the ingress setting."
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
          title = "Calls per hour: succeeded and failed"
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
          title = "Response time, 95th percentile"
          xyChart = { dataSets = [{
            plotType = "LINE"
            timeSeriesQuery = { timeSeriesFilter = {
              filter      = "metric.type=\"run.googleapis.com/request_latencies\" resource.type=\"cloud_run_revision\" resource.labels.service_name=\"${local.functions["run"].name}\""
              aggregation = { alignmentPeriod = "3600s", perSeriesAligner = "ALIGN_PERCENTILE_95", crossSeriesReducer = "REDUCE_MAX" }
            } }
          }] }
        } },
        { yPos = 4, width = 12, height = 6, widget = {
          title     = "Failures"
          logsPanel = { filter = "${local.all_logs} severity>=WARNING", resourceNames = ["projects/${var.project_id}"] }
        } },
      ]
    }
  })

  depends_on = [google_project_service.required]
}
