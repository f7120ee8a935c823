# How long a silence is, for each kind of schedule; what was switched off.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  archive_path      = "tests/archive.txt"
}

run "silence_is_watched_for_a_daily_schedule_too" {
  variables {
    schedule = "rate(1 day)"
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) * aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 3 * 86400 && one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) == 3600
    error_message = "Three daily schedules are 72 hours, looked at hour by hour."
  }
}

run "silence_is_watched_for_a_quick_schedule_too" {
  variables {
    schedule          = "rate(5 minutes)"
    silence_schedules = 6
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) == 300 && aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 6
    error_message = "Six schedules of five minutes are half an hour."
  }
}

run "silence_is_watched_for_a_cron_schedule_of_every_day_too" {
  variables {
    schedule = "cron(30 6 * * ? *)"
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) * aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 3 * 86400
    error_message = "Three runs of every day are 72 hours."
  }
}

run "what_was_switched_off_raises_no_alarm" {
  variables {
    schedule_enabled      = false
    key_expiry_alert_days = 0
  }

  assert {
    condition     = aws_scheduler_schedule.runs.state == "DISABLED" && length(aws_cloudwatch_metric_alarm.silent) == 0
    error_message = "A schedule that was switched off must not raise the alarm for silence."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.key_expiry) == 0
    error_message = "An alarm that was switched off must not be made."
  }
}
