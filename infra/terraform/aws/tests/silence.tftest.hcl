# How long silence may last for each kind of schedule, and alarms that are turned off.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  archive           = "tests/archive.txt"
}

run "silence_is_measured_for_a_daily_schedule" {
  variables {
    schedule = "rate(1 day)"
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) * aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 3 * 86400 && one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) == 3600
    error_message = "Three daily runs must be 72 hours, in periods of an hour."
  }
}

run "silence_is_measured_for_a_frequent_schedule" {
  variables {
    schedule          = "rate(5 minutes)"
    silence_schedules = 6
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) == 300 && aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 6
    error_message = "Six runs at intervals of five minutes must be half an hour."
  }
}

run "silence_is_measured_for_a_daily_cron_schedule" {
  variables {
    schedule = "cron(30 6 * * ? *)"
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) * aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 3 * 86400
    error_message = "Three daily runs must be 72 hours."
  }
}

run "disabled_alarms_are_not_raised" {
  variables {
    schedule_enabled      = false
    key_expiry_alert_days = 0
  }

  assert {
    condition     = aws_scheduler_schedule.runs.state == "DISABLED" && length(aws_cloudwatch_metric_alarm.silent) == 0
    error_message = "A disabled schedule must not raise the silence alarm."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.key_expiry) == 0
    error_message = "A disabled alarm must not be created."
  }
}
