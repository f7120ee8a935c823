# What is counted and measured in the log: the alerts and the dashboard read these metrics. Each invocation writes one line with
# `outcome` and, if it failed, with `code`; docs/operating.md describes the others.

locals {
  # The Cloud Run services have the functions' names.
  job_names = [for key, function in local.functions : function.name if key != "rotate"]
  job_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", local.job_names)}\")"
  all_logs  = "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"${join("\" OR \"", values(local.functions)[*].name)}\")"

  # The short name of the scheduler job that started a call, whichever form the header has.
  scheduler_job  = "REGEXP_EXTRACT(jsonPayload.scheduler_job, \"([^/]+)$\")"
  scheduler_jobs = concat(values(local.schedules)[*].job, var.rotation == null ? [] : ["${var.name}-rotate"])

  counted = {
    tokens_fetched   = "${local.job_logs} jsonPayload.outcome=\"ok\" jsonPayload.requests.helseid>0"
    tokens_cached    = "${local.job_logs} jsonPayload.outcome=\"ok\" jsonPayload.requests.helseid=0"
    tokens_renewed   = "${local.job_logs} jsonPayload.token_renewed=true"
    nonce_rounds     = "${local.job_logs} jsonPayload.outcome=\"ok\" (jsonPayload.outcomes.helseid=400 OR (jsonPayload.outcomes.api=401 NOT jsonPayload.token_renewed=true))"
    calls_delivering = "${local.job_logs} jsonPayload.outcome=\"ok\" jsonPayload.delivered.results>0"
  }

  measured = {
    api_ms          = { field = "durations_ms.api", unit = "ms" }
    helseid_ms      = { field = "durations_ms.helseid", unit = "ms" }
    secret_store_ms = { field = "durations_ms.secret_store", unit = "ms" }
    delivery_ms     = { field = "durations_ms.delivery", unit = "ms" }
    key_days        = { field = "key_expires_in_days", unit = "d" }
    cursor_hours    = { field = "cursor_unmoved_hours", unit = "h" }
  }

  metric_prefix = replace(var.name, "-", "_")
}

resource "google_logging_metric" "calls" {
  project     = var.project_id
  name        = "${local.metric_prefix}_calls"
  description = "Calls of ${var.name}, by outcome, code, party and scheduler job."
  filter      = "${local.job_logs} jsonPayload.outcome=(\"ok\" OR \"failed\")"

  label_extractors = {
    outcome       = "EXTRACT(jsonPayload.outcome)"
    code          = "EXTRACT(jsonPayload.code)"
    party         = "EXTRACT(jsonPayload.party)"
    scheduler_job = local.scheduler_job
  }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = toset(["outcome", "code", "party", "scheduler_job"])

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

# A scheduled call that a retry does not mend: the function says so in its line. Its alert is at once (alerts.tf).
resource "google_logging_metric" "final_failures" {
  project          = var.project_id
  name             = "${local.metric_prefix}_final_failures"
  description      = "Scheduled calls of ${var.name} that failed and that no retry mends."
  filter           = "${local.all_logs} jsonPayload.outcome=\"failed\" jsonPayload.retryable=false jsonPayload.scheduler_job:*"
  label_extractors = { job_id = local.scheduler_job }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    labels {
      key        = "job_id"
      value_type = "STRING"
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

# Cloud Scheduler writes an error for each attempt that got anything but 2xx, or nothing.
resource "google_logging_metric" "failed_attempts" {
  project     = var.project_id
  name        = "${local.metric_prefix}_failed_attempts"
  description = "Attempts of Cloud Scheduler to call ${var.name} that failed."
  filter      = "resource.type=\"cloud_scheduler_job\" resource.labels.job_id=(\"${join("\" OR \"", local.scheduler_jobs)}\") severity>=ERROR"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_logging_metric" "counted" {
  for_each = local.counted

  project     = var.project_id
  name        = "${local.metric_prefix}_${each.key}"
  description = "Calls of ${var.name}: ${replace(each.key, "_", " ")}."
  filter      = each.value

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_logging_metric" "measured" {
  for_each = local.measured

  project         = var.project_id
  name            = "${local.metric_prefix}_${each.key}"
  description     = "${each.value.field} in the log lines of ${var.name}."
  filter          = "${local.job_logs} jsonPayload.${each.value.field}:*"
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = each.value.unit
  }

  bucket_options {
    exponential_buckets {
      num_finite_buckets = 48
      growth_factor      = 1.4
      scale              = 0.1
    }
  }

  depends_on = [time_sleep.apis_enabled]
}
