# What is alerted to, what is counted, and what the dashboard shows.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

run "with_the_defaults" {
  # What no retry mends is reported at once, except what a caller may have caused, and except runs before there is a key.

  assert {
    condition = google_monitoring_alert_policy.log["failure"].conditions[0].condition_matched_log[0].filter == join(" ", [
      "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\")",
      "((jsonPayload.outcome=\"failed\" jsonPayload.retryable=false) OR severity>=CRITICAL)",
      "NOT jsonPayload.code=\"secret_manager.refused.not_found\"",
      "NOT (jsonPayload.trigger=\"http\" jsonPayload.code=~\"^(invocation[.]|api[.]refused[.](other|not_found)$)\")",
    ])
    error_message = "A failed call is not reported, or one is that a retry mends or a caller caused."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.log["failure"].documentation[0].content, "$${log.extracted_label.code}")
    error_message = "The alert does not contain the failure's code."
  }

  # A retryable failure is reported when every attempt has failed, unless it was reported already or there is no key yet.

  assert {
    condition = google_monitoring_alert_policy.retries.conditions[0].condition_prometheus_query_language[0].query == join(" unless on(job_id) ", [
      "sum by (job_id) (sum_over_time(logging_googleapis_com:user_helseid_fn_failed_attempts{monitored_resource=\"cloud_scheduler_job\"}[23m])) >= 3",
      "sum by (job_id) (sum_over_time(logging_googleapis_com:user_helseid_fn_final_failures{monitored_resource=\"cloud_run_revision\"}[23m])) > 0",
    ])
    error_message = "A run whose retries are used up is not reported, or a retry that helps is."
  }

  assert {
    condition     = google_cloud_scheduler_job.call["hourly"].retry_config[0].retry_count + 1 == local.scheduler_tries
    error_message = "The alert counts other attempts than Cloud Scheduler makes."
  }

  assert {
    condition = (
      google_logging_metric.failed_attempts.filter == "resource.type=\"cloud_scheduler_job\" resource.labels.job_id=(\"helseid-fn-hourly\") severity>=ERROR"
      && google_logging_metric.final_failures.filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") jsonPayload.outcome=\"failed\" jsonPayload.retryable=false jsonPayload.scheduler_job:*"
      && google_logging_metric.final_failures.label_extractors == tomap({ job_id = "REGEXP_EXTRACT(jsonPayload.scheduler_job, \"([^/]+)$\")" })
    )
    error_message = "The attempts of a schedule are counted wrongly."
  }

  # Calls are counted by outcome, code, party and scheduler job.

  assert {
    condition = (
      google_logging_metric.calls.filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") jsonPayload.outcome=(\"ok\" OR \"failed\")"
      && google_logging_metric.calls.label_extractors == tomap({
        outcome       = "EXTRACT(jsonPayload.outcome)"
        code          = "EXTRACT(jsonPayload.code)"
        party         = "EXTRACT(jsonPayload.party)"
        scheduler_job = "REGEXP_EXTRACT(jsonPayload.scheduler_job, \"([^/]+)$\")"
      })
      && toset([for label in google_logging_metric.calls.metric_descriptor[0].labels : label.key]) == toset(keys(google_logging_metric.calls.label_extractors))
    )
    error_message = "The metric counts something other than calls."
  }

  # What the log line says about tokens, nonces and deliveries is counted, and its times are measured.

  assert {
    condition = { for key, metric in google_logging_metric.counted : key => trimprefix(metric.filter, "${local.job_logs} ") } == {
      tokens_fetched   = "jsonPayload.outcome=\"ok\" jsonPayload.requests.helseid>0"
      tokens_cached    = "jsonPayload.outcome=\"ok\" jsonPayload.requests.helseid=0"
      tokens_renewed   = "jsonPayload.token_renewed=true"
      nonce_rounds     = "jsonPayload.outcome=\"ok\" (jsonPayload.outcomes.helseid=400 OR (jsonPayload.outcomes.api=401 NOT jsonPayload.token_renewed=true))"
      calls_delivering = "jsonPayload.outcome=\"ok\" jsonPayload.delivered.results>0"
    }
    error_message = "A metric counts something else than its name says."
  }

  assert {
    condition = { for key, metric in google_logging_metric.measured : key => "${trimprefix(metric.filter, "${local.job_logs} ")} ${metric.value_extractor} ${metric.metric_descriptor[0].unit}" } == {
      api_ms          = "jsonPayload.durations_ms.api:* EXTRACT(jsonPayload.durations_ms.api) ms"
      helseid_ms      = "jsonPayload.durations_ms.helseid:* EXTRACT(jsonPayload.durations_ms.helseid) ms"
      secret_store_ms = "jsonPayload.durations_ms.secret_store:* EXTRACT(jsonPayload.durations_ms.secret_store) ms"
      delivery_ms     = "jsonPayload.durations_ms.delivery:* EXTRACT(jsonPayload.durations_ms.delivery) ms"
      key_days        = "jsonPayload.key_expires_in_days:* EXTRACT(jsonPayload.key_expires_in_days) d"
      cursor_hours    = "jsonPayload.cursor_unmoved_hours:* EXTRACT(jsonPayload.cursor_unmoved_hours) h"
    }
    error_message = "A metric measures something else than its name says."
  }

  # The dashboard has a chart of each metric but those of the alerts.

  assert {
    condition = toset(flatten([
      for tile in jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles : [
        for set in try(tile.widget.xyChart.dataSets, []) : regex("user/([a-z_]+)", set.timeSeriesQuery.timeSeriesFilter.filter)
      ]
      ])) == toset([
      for metric in concat([google_logging_metric.calls], values(google_logging_metric.counted), values(google_logging_metric.measured)) : metric.name
    ])
    error_message = "The dashboard lacks a chart."
  }

  assert {
    condition     = strcontains(replace(google_monitoring_dashboard.overview.dashboard_json, "\\u003e", ">"), "severity>=WARNING")
    error_message = "The dashboard does not show the lines of failures."
  }

  # The tiles of the dashboard do not overlap.

  assert {
    condition = length(distinct([
      for tile in jsondecode(google_monitoring_dashboard.overview.dashboard_json).mosaicLayout.tiles : "${try(tile.xPos, 0)} ${tile.yPos}"
    ])) == 10
    error_message = "Two tiles of the dashboard are in one place."
  }

  # Queries of the log are saved for everybody.

  assert {
    condition = { for key, query in google_logging_saved_query.saved : key => "${query.name} ${query.visibility} ${query.parent}" } == {
      for key in ["attempts", "calls", "failures", "key"] : key => "helseid-fn-${key} SHARED projects/my-project-123"
    }
    error_message = "A query is not saved, or for one person only."
  }

  # Each alert names its section of the runbook.

  assert {
    condition = alltrue([
      for policy in concat(values(google_monitoring_alert_policy.log), values(google_monitoring_alert_policy.silence), [google_monitoring_alert_policy.retries]) :
      endswith(policy.documentation[0].content, "What to do: docs/operating.md#${replace(split(": ", policy.display_name)[1], " ", "-")}") && length(policy.documentation[0].links) == 0
    ])
    error_message = "An alert does not say where its runbook is."
  }
}

run "with_a_runbook_of_ones_own" {
  command = plan

  variables {
    runbook_url = "https://git.example.no/helseid-fn/operating.md"
    pubsub      = {}
    rotation    = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
    result_to   = "bucket"

    cursor_unmoved_hours = 24
  }

  assert {
    condition = alltrue([
      for policy in concat(values(google_monitoring_alert_policy.log), values(google_monitoring_alert_policy.silence), google_monitoring_alert_policy.dead_letter, [google_monitoring_alert_policy.retries]) :
      [for link in policy.documentation[0].links : link.url] == ["https://git.example.no/helseid-fn/operating.md#${replace(split(": ", policy.display_name)[1], " ", "-")}"]
    ])
    error_message = "An alert does not link to its section of the runbook."
  }

  # Every optional alert is there.

  assert {
    condition     = keys(google_monitoring_alert_policy.log) == ["cursor", "failure", "key_expiry", "key_undated", "rotation", "secret_access", "undelivered"]
    error_message = "An alert is missing."
  }

  # A result that was not delivered is reported once.

  assert {
    condition     = endswith(google_monitoring_alert_policy.log["failure"].conditions[0].condition_matched_log[0].filter, " NOT jsonPayload.code=~\"^delivery[.]\"")
    error_message = "A result that was not delivered is reported twice."
  }

  # The attempts of the rotation count too.

  assert {
    condition     = strcontains(google_logging_metric.failed_attempts.filter, "(\"helseid-fn-hourly\" OR \"helseid-fn-rotate\")") && local.attempts_minutes == 27
    error_message = "A rotation whose retries are used up is not reported."
  }
}
