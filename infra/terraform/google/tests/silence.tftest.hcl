# The schedules, and when each of them counts as silent; and no alert recipient.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {
  mock_resource "time_static" {
    defaults = { unix = 1800000000 }
  }
}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

run "with_several_schedules" {
  variables {
    schedules = {
      hourly   = { schedule = "5 * * * *", invocation = { input = { pages = 3 } } }
      weekdays = { schedule = "15 6 * * 1-5", invocation = { input = { all = true } } }
      off      = { schedule = "0 6 1 1 *", enabled = false }
    }
  }

  # Each schedule has a job of its own with its invocation.

  assert {
    condition = (
      { for key, job in google_cloud_scheduler_job.call : key => [job.name, job.paused] }
      == { for key, each in var.schedules : key => ["helseid-fn-${key}", key == "off"] }
      && base64decode(google_cloud_scheduler_job.call["hourly"].http_target[0].body) == "{\"input\":{\"pages\":3}}"
      && base64decode(google_cloud_scheduler_job.call["off"].http_target[0].body) == "{}"
    )
    error_message = "A schedule has no job of its own, or the job sends another invocation."
  }

  # Each schedule has a silence alert of its own, that looks for its own successes.

  assert {
    condition     = google_monitoring_alert_policy.silence["weekdays"].conditions[0].condition_prometheus_query_language[0].query == "(sum(sum_over_time(logging_googleapis_com:user_helseid_fn_calls{monitored_resource=\"cloud_run_revision\",outcome=\"ok\",scheduler_job=\"helseid-fn-weekdays\"}[73h])) or vector(0)) < 1 and on() vector(time()) > ${1800000000 + 73 * 3600}"
    error_message = "The silence alert does not look for the successes of its own schedule."
  }

  assert {
    condition     = keys(google_monitoring_alert_policy.silence) == [for key in keys(var.schedules) : key if key != "off"]
    error_message = "A schedule that is on has no silence alert, or one that is off has."
  }

  # The first day is for adding the key.

  assert {
    condition     = endswith(google_monitoring_alert_policy.silence["hourly"].conditions[0].condition_prometheus_query_language[0].query, "[2h])) or vector(0)) < 1 and on() vector(time()) > ${1800000000 + 24 * 3600}")
    error_message = "A deployment without a key is reported silent on its first day."
  }

  # A late run has the time of its retries.

  assert {
    condition     = google_monitoring_alert_policy.silence["hourly"].conditions[0].condition_prometheus_query_language[0].duration == "900s"
    error_message = "A run that a retry mends is reported missing."
  }

  # A changed schedule has another wait for its first success.

  assert {
    condition     = time_static.schedule_since["weekdays"].triggers == tomap({ schedule = "15 6 * * 1-5", hours = "73" })
    error_message = "A changed schedule is reported silent before its first run."
  }
}

run "with_hours_of_ones_own" {
  command = plan

  variables {
    longest_gap_hours = 31
  }

  assert {
    condition     = google_monitoring_alert_policy.silence["hourly"].conditions[0].display_name == "no success of helseid-fn-hourly in 31 hours"
    error_message = "longest_gap_hours does not say when a schedule is silent."
  }
}

run "with_no_silence_alert" {
  command = plan

  variables {
    longest_gap_hours = 0
  }

  assert {
    condition     = length(google_monitoring_alert_policy.silence) == 0 && length(google_cloud_scheduler_job.call) == 1
    error_message = "The silence alert cannot be left out."
  }
}

run "with_no_schedules" {
  command = plan

  variables {
    schedules = {}
  }

  assert {
    condition     = output.run_now == null && output.greet == null && length(google_monitoring_alert_policy.silence) == 0
    error_message = "Without schedules there is a command or an alert for one."
  }
}

run "with_no_alert_recipient" {
  command = plan

  variables {
    alert_emails = []
  }

  # A missing recipient causes a warning.
  expect_failures = [check.somebody_is_notified]
}
