# The dashboard, from the metrics (metrics.tf), and the saved queries of the log.

locals {
  # How a chart reads a metric: counts per hour, the 95th percentile of milliseconds, the mean of a state.
  readings = {
    count   = { plotType = "STACKED_BAR", aligner = "ALIGN_DELTA", reducer = "REDUCE_SUM" }
    slowest = { plotType = "LINE", aligner = "ALIGN_PERCENTILE_95", reducer = "REDUCE_MAX" }
    mean    = { plotType = "LINE", aligner = "ALIGN_DELTA", reducer = "REDUCE_MEAN" }
  }

  charts = [
    { title = "Calls per hour", reading = "count", sets = [{ metric = "calls", by = ["outcome"] }] },
    { title = "Failures by code", reading = "count", sets = [{ metric = "calls", by = ["code"], only = "metric.labels.outcome=\"failed\"" }] },
    { title = "Failures by party", reading = "count", sets = [{ metric = "calls", by = ["party"], only = "metric.labels.outcome=\"failed\"" }] },
    { title = "Waiting for each party, ms (95th percentile)", reading = "slowest", sets = [for name in ["api", "helseid", "secret_store", "delivery"] : { metric = "${name}_ms" }] },
    { title = "Tokens: fetched, cached, renewed", reading = "count", sets = [for name in ["fetched", "cached", "renewed"] : { metric = "tokens_${name}" }] },
    { title = "Calls with a nonce round", reading = "count", sets = [{ metric = "nonce_rounds" }] },
    { title = "Days left of the key", reading = "mean", sets = [{ metric = "key_days" }] },
    { title = "Hours since the cursor moved", reading = "mean", sets = [{ metric = "cursor_hours" }] },
    { title = "Calls that delivered results", reading = "count", sets = [{ metric = "calls_delivering" }] },
  ]

  # Named by reference, so that a chart is not made before its metric.
  metric_names = merge(
    { calls = google_logging_metric.calls.name },
    { for key, metric in google_logging_metric.counted : key => metric.name },
    { for key, metric in google_logging_metric.measured : key => metric.name },
  )

  tiles = [for place, chart in local.charts : {
    xPos = place % 3 * 4, yPos = floor(place / 3) * 4, width = 4, height = 4
    widget = {
      title = chart.title
      xyChart = { dataSets = [for set in chart.sets : {
        plotType       = local.readings[chart.reading].plotType
        legendTemplate = join(" ", concat(length(chart.sets) > 1 ? [replace(set.metric, "_", " ")] : [], [for label in try(set.by, []) : "$${metric.labels.${label}}"]))
        timeSeriesQuery = { timeSeriesFilter = {
          filter = join(" ", compact(["metric.type=\"logging.googleapis.com/user/${local.metric_names[set.metric]}\" resource.type=\"cloud_run_revision\"", try(set.only, "")]))
          aggregation = {
            alignmentPeriod    = "3600s"
            perSeriesAligner   = local.readings[chart.reading].aligner
            crossSeriesReducer = local.readings[chart.reading].reducer
            groupByFields      = [for label in try(set.by, []) : "metric.label.${label}"]
          }
        } }
      }] }
    }
  }]

  saved_queries = {
    calls    = { filter = "${local.job_logs} jsonPayload.outcome:*", fields = ["jsonPayload.outcome", "jsonPayload.code", "jsonPayload.duration_ms"] }
    failures = { filter = "${local.all_logs} (jsonPayload.outcome=\"failed\" OR severity>=WARNING)", fields = ["jsonPayload.code", "jsonPayload.party", "jsonPayload.scheduler_job"] }
    attempts = { filter = google_logging_metric.failed_attempts.filter, fields = ["resource.labels.job_id", "httpRequest.status", "jsonPayload.debugInfo"] }
    key      = { filter = "${local.all_logs} (jsonPayload.rotation:* OR jsonPayload.key_expires_in_days<${var.key_expiry_alert_days} OR jsonPayload.key_expires_unknown=true)", fields = ["jsonPayload.kid", "jsonPayload.key_expires_in_days", "jsonPayload.rotation"] }
  }
}

resource "google_monitoring_dashboard" "overview" {
  project = var.project_id

  dashboard_json = jsonencode({
    displayName = var.name
    mosaicLayout = {
      columns = 12
      tiles = concat(local.tiles, [{
        yPos = ceil(length(local.charts) / 3) * 4, width = 12, height = 6
        widget = {
          title     = "Failures"
          logsPanel = { filter = local.saved_queries.failures.filter, resourceNames = [local.log_scope] }
        }
      }])
    }
  })

  depends_on = [time_sleep.apis_enabled]
}

resource "google_logging_saved_query" "saved" {
  for_each = local.saved_queries

  parent       = "projects/${var.project_id}"
  location     = "global"
  name         = "${var.name}-${each.key}"
  display_name = "${var.name}: ${each.key}"
  visibility   = "SHARED"

  logging_query {
    filter = each.value.filter

    dynamic "summary_fields" {
      for_each = each.value.fields

      content {
        field = summary_fields.value
      }
    }
  }

  depends_on = [time_sleep.apis_enabled]
}
