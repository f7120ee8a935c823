# The alarms, and who is notified.

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

run "alarms_cover_failures_and_silence" {
  variables {
    alert_emails = ["a@example.no", "b@example.no"]
  }

  assert {
    condition     = toset([for each in aws_sns_topic_subscription.alerts : each.endpoint]) == toset(["a@example.no", "b@example.no"])
    error_message = "Each address must be subscribed."
  }

  assert {
    condition = alltrue([
      for alarm in concat(
        [aws_cloudwatch_metric_alarm.failed, aws_cloudwatch_metric_alarm.failed_runs, aws_cloudwatch_metric_alarm.key_expiry],
        values(aws_cloudwatch_metric_alarm.silent)
      ) : alarm.alarm_actions == toset([local.alerts_topic_arn]) && alarm.ok_actions == toset([local.alerts_topic_arn])
    ]) && length(aws_cloudwatch_metric_alarm.silent) == 1
    error_message = "Every alarm must notify when it is raised and when it clears."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.succeeded.pattern == "{ $.outcome = \"ok\" && $.trigger = \"schedule\" && $.scheduler_job = * }" && aws_cloudwatch_log_metric_filter.succeeded.metric_transformation[0].dimensions == tomap({ schedule = "$.scheduler_job" })
    error_message = "The successes of each schedule must count for itself."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_log_metric_filter.failed.pattern, "$.outcome = \"failed\"") && strcontains(aws_cloudwatch_log_metric_filter.failed.pattern, "$.retryable IS FALSE")
    error_message = "Only failures that no retry mends may count."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_log_metric_filter.failed.pattern, "($.code != \"invocation.*\" || $.trigger = \"schedule\" || $.trigger = \"event\")")
    error_message = "What callers do wrong must not count, but what a schedule or an event does wrong must."
  }

  assert {
    condition     = alltrue([for code in ["other", "not_found"] : strcontains(aws_cloudwatch_log_metric_filter.failed.pattern, "($.code != \"api.refused.${code}\" || ")])
    error_message = "What the API refuses a caller must not count."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_log_metric_filter.failed.pattern, "$.code != \"secret_manager.refused.not_found\"")
    error_message = "Runs before there is a key must not count."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.metric_name == "Failed" && aws_cloudwatch_metric_alarm.failed.namespace == "helseid-fn" && aws_cloudwatch_metric_alarm.failed.statistic == "Sum"
    error_message = "The alarm must watch the failures."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.threshold == 1 && aws_cloudwatch_metric_alarm.failed.comparison_operator == "GreaterThanOrEqualToThreshold"
    error_message = "One failure must raise the alarm."
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent["hourly"].metric_query : query.metric[*].metric_name])) == "Succeeded" && one(flatten([for query in aws_cloudwatch_metric_alarm.silent["hourly"].metric_query : query.metric[*].dimensions])) == tomap({ schedule = "hourly" }) && aws_cloudwatch_metric_alarm.silent["hourly"].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.silent["hourly"].threshold == 1
    error_message = "The silence alarm must be raised by a lack of the schedule's successes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.silent["hourly"].treat_missing_data == "breaching" && strcontains(one(compact(aws_cloudwatch_metric_alarm.silent["hourly"].metric_query[*].expression)), ", 1, FILL(said, 0))")
    error_message = "Missing data must count as silence, and an hour without data as an hour without a success."
  }

  assert {
    condition     = strcontains(one(compact(aws_cloudwatch_metric_alarm.silent["hourly"].metric_query[*].expression)), "<= ${formatdate("YYYYMMDDhh", terraform_data.running_since["hourly"].input)}")
    error_message = "The time before a schedule began must not count as silence."
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent["hourly"].metric_query : query.metric[*].period])) == 3600 && aws_cloudwatch_metric_alarm.silent["hourly"].evaluation_periods == 2
    error_message = "An hourly schedule must be silent after two hours."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.key_expiry.pattern == "{ $.key_expires_in_days = * }" && aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].value == "$.key_expires_in_days"
    error_message = "The key's remaining days must be a metric."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.key_expiry.threshold == 21 && aws_cloudwatch_metric_alarm.key_expiry.comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.key_expiry.statistic == "Minimum"
    error_message = "Fewer than 21 days must raise the alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed_runs.metric_name == "ApproximateNumberOfMessagesVisible" && aws_cloudwatch_metric_alarm.failed_runs.dimensions.QueueName == local.failed_runs_name && aws_cloudwatch_metric_alarm.failed_runs.threshold == 0
    error_message = "One run in the queue must raise the alarm."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_query_definition.queries["runs"].query_string, "ispresent(outcome)") && contains(aws_cloudwatch_query_definition.queries["runs"].log_group_names, local.log_group_name)
    error_message = "There must be a saved query for the runs."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.secret_access[0].state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    error_message = "Reads of the secret must be seen too."
  }

  assert {
    condition = alltrue([
      for name in ["GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage", "PutResourcePolicy", "DeleteResourcePolicy", "UpdateSecret", "DeleteSecret", "RotateSecret"] :
      contains(jsondecode(aws_cloudwatch_event_rule.secret_access[0].event_pattern).detail.eventName, name)
    ])
    error_message = "Every way to use the secret must be seen."
  }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.secret_access[0].event_pattern).detail["$or"][0].userIdentity.sessionContext.sessionIssuer.arn[0]["anything-but"]) == toset([local.function_role_arn])
    error_message = "Everybody but the function must be seen."
  }

  assert {
    condition     = aws_cloudwatch_event_target.secret_access[0].arn == local.alerts_topic_arn && aws_cloudwatch_event_target.secret_access[0].rule == aws_cloudwatch_event_rule.secret_access[0].name
    error_message = "The same people must be notified of access to the secret as of the alarms."
  }
}

run "nobody_watches_the_secret" {
  variables {
    watch_secret_access = false
  }

  assert {
    condition     = length(aws_cloudwatch_event_rule.secret_access) + length(aws_cloudwatch_event_target.secret_access) == 0
    error_message = "Watching the secret must be optional."
  }
}

run "nobody_is_told" {
  command = plan

  variables {
    alert_emails = []
  }

  expect_failures = [check.somebody_is_notified]
}

run "an_existing_topic_tells_somebody" {
  command = plan

  variables {
    alert_emails = []
    existing     = { alerts_topic = { arn = "arn:aws:sns:eu-north-1:123456789012:on-call" } }
  }
}

run "each_alarm_links_to_its_part_of_the_runbook" {
  variables {
    runbook_url          = "https://git.example.no/helseid-fn/docs/operating.md"
    schedules            = { hourly = { schedule = "rate(1 hour)" }, weekly = { schedule = "rate(7 days)" } }
    result_to            = "bucket"
    cursor_unmoved_hours = 48
    rotation             = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  assert {
    condition = {
      for alarm in concat(
        [aws_cloudwatch_metric_alarm.failed, aws_cloudwatch_metric_alarm.failed_runs, aws_cloudwatch_metric_alarm.key_expiry],
        values(aws_cloudwatch_metric_alarm.silent), values(aws_cloudwatch_metric_alarm.silent_longer),
        aws_cloudwatch_metric_alarm.undelivered, aws_cloudwatch_metric_alarm.cursor, aws_cloudwatch_metric_alarm.rotation_failed
      ) : alarm.alarm_name => regex("Runbook: https://git.example.no/helseid-fn/docs/operating.md#([a-z-]+)$", alarm.alarm_description)[0]
      } == {
      helseid-fn-failed          = "a-call-failed"
      helseid-fn-failed-runs     = "runs-were-given-up"
      helseid-fn-silent-hourly   = "no-call-has-succeeded"
      helseid-fn-silent-weekly   = "no-call-has-succeeded"
      helseid-fn-key-expiry      = "the-key-expires-soon"
      helseid-fn-undelivered     = "a-result-was-not-delivered"
      helseid-fn-cursor          = "the-cursor-does-not-move"
      helseid-fn-rotation-failed = "the-key-rotation-failed"
    }
    error_message = "Each alarm must link to its part of the runbook."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_event_target.secret_access[0].input_transformer[0].input_template, "operating.md#somebody-used-the-secret")
    error_message = "A message about the secret must link to its part of the runbook."
  }
}

run "the_dashboard_shows_every_query_and_alarm" {
  variables {
    rotation = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  assert {
    condition     = sum([for widget in jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets : widget.type == "log" ? 1 : 0]) == length(aws_cloudwatch_query_definition.queries) && aws_cloudwatch_dashboard.overview.dashboard_name == "helseid-fn"
    error_message = "Every saved query must be in the dashboard."
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets : startswith(widget.properties.query, "SOURCE '/aws/lambda/helseid-fn' | SOURCE '/aws/lambda/helseid-fn-rotate' | ") if widget.type == "log"])
    error_message = "The dashboard must read both functions' logs."
  }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets[0].properties.alarms) == toset([aws_cloudwatch_metric_alarm.failed.arn, aws_cloudwatch_metric_alarm.failed_runs.arn, aws_cloudwatch_metric_alarm.silent["hourly"].arn, aws_cloudwatch_metric_alarm.key_expiry.arn, aws_cloudwatch_metric_alarm.rotation_failed[0].arn])
    error_message = "The dashboard must show every alarm."
  }
}
