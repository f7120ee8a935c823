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
  alert_emails      = ["on-call@example.no"]
}

run "silence_is_measured_from_each_expression" {
  variables {
    schedules = {
      quarter  = { schedule = "rate(5 minutes)" }
      hourly   = { schedule = "rate(1 hour)" }
      daily    = { schedule = "cron(30 6 * * ? *)" }
      weekdays = { schedule = "cron(0 6 ? * mon-fri *)" }
      weekly   = { schedule = "cron(0 6 ? * SUN *)" }
      monthly  = { schedule = "cron(0 6 L * ? *)" }
    }
    jitter_minutes = 60
  }

  assert {
    condition = { for name, each in aws_cloudwatch_metric_alarm.silent : name => each.evaluation_periods * one(flatten(each.metric_query[*].metric)).period / 60 } == {
      quarter = 75, hourly = 180, daily = 1620, weekdays = 4500
    }
    error_message = "Silence must be the longest time between two runs, and a margin, within CloudWatch's seven days."
  }

  assert {
    condition     = { for name, each in aws_cloudwatch_metric_alarm.silent_longer : name => each.threshold } == { weekly = 191, monthly = 767 }
    error_message = "A longer silence must be counted in hours, two before it is told."
  }
}

run "the_watch_counts_the_hours_of_rare_schedules_alone" {
  variables {
    schedules = {
      hourly = { schedule = "rate(1 hour)" }
      weekly = { schedule = "cron(0 6 ? * SUN *)" }
    }
    kms_key_arn              = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    code_signing_config_arn  = "arn:aws:lambda:eu-north-1:123456789012:code-signing-config:csc-0123456789abcdef0"
    tags                     = { team = "integration" }
  }

  assert {
    condition     = aws_lambda_function.watch[0].environment[0].variables == tomap({ NAMESPACE = "helseid-fn", SCHEDULES = jsonencode({ weekly = terraform_data.running_since["weekly"].input }) })
    error_message = "The watch must count for the schedules that CloudWatch cannot look back to, and no others."
  }

  assert {
    condition     = aws_lambda_function.watch[0].handler == "helseid_fn/aws_sdk/hours_since_success.handler" && aws_lambda_function.watch[0].source_code_hash == aws_lambda_function.function.source_code_hash && aws_lambda_function.watch[0].role == aws_iam_role.watch[0].arn && aws_iam_role_policy.watch[0].role == aws_iam_role.watch[0].id
    error_message = "The watch must be in the function's archive, with a role of its own."
  }

  assert {
    condition     = aws_scheduler_schedule.watch[0].target[0].arn == aws_lambda_function.watch[0].arn && aws_scheduler_schedule.watch[0].schedule_expression == "rate(1 hour)" && aws_scheduler_schedule.watch[0].target[0].role_arn == local.schedule_role_arn
    error_message = "The watch must run every hour."
  }

  assert {
    condition     = aws_cloudwatch_log_group.watch[0].retention_in_days == 365 && aws_cloudwatch_log_group.watch[0].kms_key_id == var.kms_key_arn && aws_lambda_function.watch[0].kms_key_arn == var.kms_key_arn && aws_iam_role.watch[0].permissions_boundary == var.permissions_boundary_arn && aws_lambda_function.watch[0].code_signing_config_arn == var.code_signing_config_arn && alltrue([for each in [aws_lambda_function.watch[0], aws_cloudwatch_log_group.watch[0], aws_iam_role.watch[0]] : each.tags == tomap({ team = "integration" })])
    error_message = "The watch must be kept, encrypted, bounded, signed and tagged as everything else."
  }

  assert {
    condition     = one([for query in aws_cloudwatch_metric_alarm.silent_longer["weekly"].metric_query : query.metric[0] if query.id == "said"]).metric_name == "HoursSinceSuccess" && one([for query in aws_cloudwatch_metric_alarm.silent_longer["weekly"].metric_query : query.metric[0] if query.id == "said"]).dimensions == tomap({ schedule = "weekly" })
    error_message = "The alarm must watch the hours that the watch counts."
  }

  assert {
    condition     = alltrue([for each in aws_cloudwatch_metric_alarm.silent_longer : each.treat_missing_data == "breaching" && each.comparison_operator == "GreaterThanOrEqualToThreshold" && each.alarm_actions == toset([local.alerts_topic_arn]) && each.ok_actions == toset([local.alerts_topic_arn])])
    error_message = "The alarm must be raised when nothing is counted, and notify."
  }
}

run "a_given_gap_holds_for_every_schedule" {
  variables {
    schedules         = { summer = { schedule = "cron(0 6 1 6-8 ? *)" } }
    longest_gap_hours = 8000
  }

  assert {
    condition     = try(aws_cloudwatch_metric_alarm.silent_longer["summer"].threshold, 0) == 7998 && length(aws_cloudwatch_metric_alarm.silent) == 0
    error_message = "A given gap must hold."
  }
}

run "disabled_alarms_are_not_raised" {
  variables {
    schedules = { hourly = { schedule = "rate(1 hour)", enabled = false }, weekly = { schedule = "rate(7 days)", enabled = false } }
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silent) + length(aws_cloudwatch_metric_alarm.silent_longer) + length(aws_lambda_function.watch) == 0
    error_message = "A disabled schedule must not raise the silence alarm."
  }
}

run "silence_is_not_watched" {
  variables {
    longest_gap_hours = 0
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.silent) + length(aws_cloudwatch_metric_alarm.silent_longer) == 0
    error_message = "Silence must be watched only if it may last for no more than some hours."
  }
}
