# The alert for a schedule without a success: one for each schedule that is on, since the successes of one must not hide that another
# one is missing. PromQL, because other conditions look back for a day at most.

locals {
  # An hour for the end of summer time, when a day has 25. A late run's retries end within silence_seconds.
  silence_hours   = { for key, hours in local.gap_hours : key => var.longest_gap_hours == null ? ceil(hours) + 1 : var.longest_gap_hours }
  silence_seconds = ceil((local.scheduler_tries * local.caller_deadline_seconds["run"] + 600) / 300) * 300

  # Nothing is missing before the first run is due, and the first day is for adding the key.
  watch_after_hours = { for key, hours in local.silence_hours : key => max(hours, 24) }
}

# When a schedule began as it is now: a change starts the wait for its first success again.
resource "time_static" "schedule_since" {
  for_each = local.watched

  triggers = { schedule = each.value.schedule, hours = local.silence_hours[each.key] }
}

resource "google_monitoring_alert_policy" "silence" {
  for_each = local.watched

  project               = var.project_id
  display_name          = "${var.name}: no call has succeeded"
  combiner              = "OR"
  severity              = "CRITICAL"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "no success of ${each.value.job} in ${local.silence_hours[each.key]} hours"

    condition_prometheus_query_language {
      query = join(" and on() ", [
        "(sum(sum_over_time(logging_googleapis_com:user_${google_logging_metric.calls.name}{monitored_resource=\"cloud_run_revision\",outcome=\"ok\",scheduler_job=\"${each.value.job}\"}[${local.silence_hours[each.key]}h])) or vector(0)) < 1",
        "vector(time()) > ${time_static.schedule_since[each.key].unix + local.watch_after_hours[each.key] * 3600}",
      ])
      duration                  = "${local.silence_seconds}s"
      evaluation_interval       = "300s"
      disable_metric_validation = true # the metric has no values before the first call
    }
  }

  documentation {
    subject = "${each.value.job} is silent"
    content = "No call of ${each.value.job} (${each.value.schedule}) has succeeded in ${local.silence_hours[each.key]} hours. ${local.runbook["no-call-has-succeeded"]}"

    dynamic "links" {
      for_each = local.runbook_links["no-call-has-succeeded"]

      content {
        display_name = "Runbook"
        url          = links.value
      }
    }
  }
}
