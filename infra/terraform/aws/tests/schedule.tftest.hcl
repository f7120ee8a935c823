# The schedules that start the function, and where failed runs go.

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

run "each_schedule_starts_the_function_with_its_own_role" {
  variables {
    schedules = {
      nightly  = { schedule = "cron(0 2 * * ? *)", invocation = { input = { day = "<aws.scheduler.scheduled-time>", note = "a < b & c" } } }
      weekdays = { schedule = "cron(0 6 ? * MON-FRI *)", invocation = { organization = { parent = "999977774" } } }
      paused   = { schedule = "rate(5 minutes)", enabled = false }
    }
    jitter_minutes = 15
  }

  assert {
    condition     = alltrue([for each in aws_scheduler_schedule.runs : each.target[0].arn == aws_lambda_alias.live.arn && each.target[0].role_arn == local.schedule_role_arn])
    error_message = "Each schedule must start the alias with the schedules' own role."
  }

  assert {
    condition     = aws_iam_role.schedule[0].name == "helseid-fn-schedule" && aws_iam_role_policy.schedule[0].role == aws_iam_role.schedule[0].id
    error_message = "The schedules' role must not be the function's."
  }

  assert {
    condition     = { for name, each in aws_scheduler_schedule.runs : name => each.state } == { nightly = "ENABLED", weekdays = "ENABLED", paused = "DISABLED" }
    error_message = "A schedule must run unless it is turned off."
  }

  assert {
    condition     = aws_scheduler_schedule.runs["weekdays"].schedule_expression_timezone == "Europe/Oslo" && aws_scheduler_schedule.runs["weekdays"].schedule_expression == "cron(0 6 ? * MON-FRI *)"
    error_message = "A schedule must run at its times, which are Norwegian."
  }

  assert {
    condition     = alltrue([for each in aws_scheduler_schedule.runs : each.flexible_time_window[0].mode == "FLEXIBLE" && each.flexible_time_window[0].maximum_window_in_minutes == 15])
    error_message = "Runs must be spread over the minutes of jitter."
  }

  assert {
    condition = jsondecode(aws_scheduler_schedule.runs["weekdays"].target[0].input) == {
      "detail-type" = "Scheduled Event"
      source        = "aws.scheduler"
      resources     = ["<aws.scheduler.schedule-arn>"]
      time          = "<aws.scheduler.scheduled-time>"
      id            = "<aws.scheduler.execution-id>"
      detail        = { organization = { parent = "999977774" } }
    }
    error_message = "A schedule must send its invocation, and say what it is and for when."
  }

  assert {
    condition = alltrue([
      for word in ["<aws.scheduler.schedule-arn>", "\"time\":\"<aws.scheduler.scheduled-time>\"", "<aws.scheduler.execution-id>", "\"day\":\"<aws.scheduler.scheduled-time>\"", "a \\u003c b"] :
      strcontains(aws_scheduler_schedule.runs["nightly"].target[0].input, word)
    ])
    error_message = "Scheduler's own words must be written as Scheduler looks for them, and nothing else changed."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.silent) == ["nightly", "weekdays"]
    error_message = "Each schedule that runs must have an alarm of its own."
  }
}

run "deadlines_nest_and_failed_runs_are_kept" {
  variables {
    deadline_seconds  = 40.5
    event_age_seconds = 1000
  }

  assert {
    condition     = aws_lambda_function.function.timeout == 46 && var.deadline_seconds < aws_lambda_function.function.timeout
    error_message = "The function must end before Lambda ends it."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.function.maximum_event_age_in_seconds > 3 * aws_lambda_function.function.timeout
    error_message = "Lambda must not give up on a run before its three attempts are over."
  }

  assert {
    condition     = one(aws_scheduler_schedule.runs["hourly"].target[0].retry_policy).maximum_event_age_in_seconds > aws_lambda_function.function.timeout
    error_message = "The schedule must not give up on a run before the function's own time is up."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.function.maximum_retry_attempts == 2 && one(aws_scheduler_schedule.runs["hourly"].target[0].retry_policy).maximum_retry_attempts <= 10
    error_message = "Retries must be bounded."
  }

  assert {
    condition     = one(aws_scheduler_schedule.runs["hourly"].target[0].dead_letter_config).arn == local.failed_runs_arn
    error_message = "A run that the schedule gives up on must go to the queue."
  }

  assert {
    condition     = one(aws_lambda_function_event_invoke_config.function.destination_config[0].on_failure).destination == local.failed_runs_arn
    error_message = "A run that Lambda gives up on must go to the queue."
  }

  assert {
    condition     = keys(aws_scheduler_schedule.runs) == ["hourly"] && aws_scheduler_schedule.runs["hourly"].flexible_time_window[0].mode == "OFF" && jsondecode(aws_scheduler_schedule.runs["hourly"].target[0].input).detail == {}
    error_message = "Without settings, there must be one schedule, on time, of the default call."
  }

  assert {
    condition     = aws_sqs_queue.failed_runs[0].sqs_managed_sse_enabled == true && aws_sqs_queue.failed_runs[0].kms_master_key_id == null && aws_sqs_queue.failed_runs[0].message_retention_seconds == 1209600
    error_message = "The queue must be encrypted, and keep its messages for 14 days."
  }
}
