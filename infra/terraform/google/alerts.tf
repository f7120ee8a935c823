# Alerts on log lines, and who is notified: a call that no retry mends, a result that was not delivered, a cursor that does not move,
# a key that expires soon or nobody knows when, a failed rotation; and on what left no such line: retries that are used up, messages that were dead-lettered.

locals {
  channels = sort(concat(tolist(var.notification_channels), [for channel in google_monitoring_notification_channel.email : channel.id]))

  # Each alert has a section in docs/operating.md, whose heading is the alert's name.
  runbook_page = var.runbook_url == null ? "docs/operating.md" : var.runbook_url
  runbook_anchors = [
    "a-call-failed", "runs-were-given-up", "no-call-has-succeeded", "a-result-was-not-delivered", "the-cursor-does-not-move",
    "the-key-expires-soon", "nothing-says-when-the-key-expires", "the-key-rotation-failed", "messages-were-dead-lettered",
    "somebody-used-the-secret",
  ]
  runbook       = { for anchor in local.runbook_anchors : anchor => "What to do: ${local.runbook_page}#${anchor}" }
  runbook_links = { for anchor in local.runbook_anchors : anchor => var.runbook_url == null ? [] : ["${var.runbook_url}#${anchor}"] }

  # In Cloud Logging OR binds tighter than AND, which is also implied between two comparisons, so the parentheses are needed.
  # Without a key, a run ends with the first of these codes: until it is added that is no fault, and after that the silence alert
  # says so. What a caller may have caused is told to the caller.
  no_key         = "jsonPayload.code=\"secret_manager.refused.not_found\""
  callers_faults = "(jsonPayload.trigger=\"http\" jsonPayload.code=~\"^(invocation[.]|api[.]refused[.](other|not_found)$)\")"
  delivery_codes = "jsonPayload.code=~\"^delivery[.]\""
  delivers       = local.result_to != null || local.cursor_in != null
  of_a_failure   = { code = "EXTRACT(jsonPayload.code)", message = "EXTRACT(jsonPayload.message)" }
  failure        = "Code: $${log.extracted_label.code}\n\n$${log.extracted_label.message}\n\n"

  # A failure with `retryable` true is left to the retries.
  final = "((jsonPayload.outcome=\"failed\" jsonPayload.retryable=false) OR severity>=CRITICAL)"

  log_alerts = {
    for key, alert in {
      failure = {
        wanted     = true
        name       = "a call failed"
        severity   = "ERROR"
        condition  = "a log line of a failed call that no retry mends"
        filter     = "${local.job_logs} ${local.final} NOT ${local.no_key} NOT ${local.callers_faults}${local.delivers ? " NOT ${local.delivery_codes}" : ""}"
        labels     = local.of_a_failure
        auto_close = "86400s"
        period     = "3600s"
        subject    = "${var.name} failed"
        content    = local.failure
      }
      undelivered = {
        wanted     = local.delivers
        name       = "a result was not delivered"
        severity   = "ERROR"
        condition  = "a log line with a code of delivery that time alone does not mend"
        filter     = "${local.job_logs} ${local.delivery_codes} (jsonPayload.code=~\"^delivery[.](refused|invalid_response)[.]\" OR jsonPayload.retryable=false) NOT jsonPayload.code=\"delivery.refused.overtaken\""
        labels     = local.of_a_failure
        auto_close = "86400s"
        period     = "3600s"
        subject    = "${var.name} could not deliver a result, or read or move its cursor"
        content    = local.failure
      }
      cursor = {
        wanted     = var.cursor_unmoved_hours != null
        name       = "the cursor does not move"
        severity   = "WARNING"
        condition  = "a log line of a success with a cursor that has not moved for ${coalesce(var.cursor_unmoved_hours, 0)} hours"
        filter     = "${local.job_logs} jsonPayload.outcome=\"ok\" jsonPayload.cursor_unmoved_hours>${coalesce(var.cursor_unmoved_hours, 0)}"
        labels     = { hours = "EXTRACT(jsonPayload.cursor_unmoved_hours)" }
        auto_close = "604800s"
        period     = "86400s"
        subject    = "The cursor of ${var.name} does not move"
        content    = "Runs succeed, but the cursor${local.cursor_in == null ? "" : " ${local.cursor_in}"} has not moved for $${log.extracted_label.hours} hours.\n\n"
      }
      key_expiry = {
        wanted     = true
        name       = "the key expires soon"
        severity   = "WARNING"
        condition  = "a log line with fewer than ${var.key_expiry_alert_days} days left"
        filter     = "${local.all_logs} jsonPayload.key_expires_in_days<${var.key_expiry_alert_days}"
        labels     = { days = "EXTRACT(jsonPayload.key_expires_in_days)", assumed = "EXTRACT(jsonPayload.key_expires_assumed)", kid = "EXTRACT(jsonPayload.kid)" }
        auto_close = "604800s"
        period     = "86400s"
        subject    = "The key of ${var.name} expires soon"
        content    = "The key $${log.extracted_label.kid} has $${log.extracted_label.days} days left, and HelseID refuses it after that. Assumed, since nobody said when it expires: $${log.extracted_label.assumed}\n\n"
      }
      # Google Secret Manager does not say when a version was stored to those who may only read it.
      key_undated = {
        wanted     = true
        name       = "nothing says when the key expires"
        severity   = "WARNING"
        condition  = "a log line with a key that has neither exp nor iat"
        filter     = "${local.all_logs} jsonPayload.key_expires_unknown=true"
        labels     = { kid = "EXTRACT(jsonPayload.kid)" }
        auto_close = "604800s"
        period     = "86400s"
        subject    = "Nothing says when the key of ${var.name} expires"
        content    = "The key $${log.extracted_label.kid} has neither exp nor iat, so nobody is warned before it expires. Look its expiry up in Selvbetjening, and store the key again with it.\n\n"
      }
      rotation = {
        wanted     = var.rotation != null
        name       = "the key rotation failed"
        severity   = "ERROR"
        condition  = "a log line of a failed rotation that no retry mends"
        filter     = "resource.type=\"cloud_run_revision\" resource.labels.service_name=\"${var.name}-rotate\" ${local.final} NOT ${local.no_key}"
        labels     = local.of_a_failure
        auto_close = "604800s"
        period     = "86400s"
        subject    = "${var.name}-rotate failed"
        content    = local.failure
      }
      secret_access = {
        wanted     = var.watch_secret_access
        name       = "somebody used the secret"
        severity   = "ERROR"
        condition  = "an audit log entry of somebody other than the functions"
        filter     = local.secret_access
        labels     = { who = "EXTRACT(protoPayload.authenticationInfo.principalEmail)", what = "EXTRACT(protoPayload.methodName)" }
        auto_close = "86400s"
        period     = "300s"
        subject    = "Somebody else used the secret of ${var.name}"
        content    = "$${log.extracted_label.who} called $${log.extracted_label.what}.\n\n"
      }
    } : key => merge(alert, { anchor = replace(alert.name, " ", "-") }) if alert.wanted
  }

  # How long the attempts of one run take at most, with the pauses between them.
  attempts_minutes = ceil((local.scheduler_tries * max([for key in ["run", "rotate"] : try(local.caller_deadline_seconds[key], 0)]...) + 1200) / 60)
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alert_emails

  project      = var.project_id
  display_name = "${var.name}: ${each.key}"
  type         = "email"
  labels       = { email_address = each.key }
  user_labels  = var.labels

  depends_on = [time_sleep.apis_enabled]
}

check "somebody_is_notified" {
  assert {
    condition     = length(var.alert_emails) + length(var.notification_channels) > 0
    error_message = "Nobody is notified when the function fails or no longer succeeds; set alert_emails or notification_channels."
  }
}

resource "google_monitoring_alert_policy" "log" {
  for_each = local.log_alerts

  project               = var.project_id
  display_name          = "${var.name}: ${each.value.name}"
  combiner              = "OR"
  severity              = each.value.severity
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = each.value.condition

    condition_matched_log {
      filter           = each.value.filter
      label_extractors = each.value.labels
    }
  }

  alert_strategy {
    auto_close = each.value.auto_close

    notification_rate_limit {
      period = each.value.period
    }
  }

  documentation {
    subject = each.value.subject
    content = "${each.value.content}${local.runbook[each.value.anchor]}"

    dynamic "links" {
      for_each = local.runbook_links[each.value.anchor]

      content {
        display_name = "Runbook"
        url          = links.value
      }
    }
  }
}

# Every attempt of a scheduled run has failed: with failures that might have passed, or without reaching the function. One that ended
# with a final failure is reported above, and one that has no key yet is not.
resource "google_monitoring_alert_policy" "retries" {
  project               = var.project_id
  display_name          = "${var.name}: runs were given up"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "${local.scheduler_tries} failed attempts in ${local.attempts_minutes} minutes"

    condition_prometheus_query_language {
      query = join(" unless on(job_id) ", [
        "sum by (job_id) (sum_over_time(logging_googleapis_com:user_${google_logging_metric.failed_attempts.name}{monitored_resource=\"cloud_scheduler_job\"}[${local.attempts_minutes}m])) >= ${local.scheduler_tries}",
        "sum by (job_id) (sum_over_time(logging_googleapis_com:user_${google_logging_metric.final_failures.name}{monitored_resource=\"cloud_run_revision\"}[${local.attempts_minutes}m])) > 0",
      ])
      duration                  = "0s"
      evaluation_interval       = "60s"
      disable_metric_validation = true # the metrics have no values before the first failure
    }
  }

  documentation {
    subject = "${var.name}: every attempt of a scheduled run failed"
    content = "Cloud Scheduler has tried ${local.scheduler_tries} times. ${local.runbook["runs-were-given-up"]}"

    dynamic "links" {
      for_each = local.runbook_links["runs-were-given-up"]

      content {
        display_name = "Runbook"
        url          = links.value
      }
    }
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
    content = "They are kept for 14 days on the subscription ${google_pubsub_subscription.dead_letter[0].name}. ${local.runbook["messages-were-dead-lettered"]}"

    dynamic "links" {
      for_each = local.runbook_links["messages-were-dead-lettered"]

      content {
        display_name = "Runbook"
        url          = links.value
      }
    }
  }
}
