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
        [aws_cloudwatch_metric_alarm.failed, aws_cloudwatch_metric_alarm.failed_runs],
        aws_cloudwatch_metric_alarm.silent, aws_cloudwatch_metric_alarm.key_expiry
      ) : alarm.alarm_actions == toset([local.alerts_topic_arn]) && alarm.ok_actions == toset([local.alerts_topic_arn])
    ]) && length(aws_cloudwatch_metric_alarm.silent) == 1 && length(aws_cloudwatch_metric_alarm.key_expiry) == 1
    error_message = "Every alarm must notify when it is raised and when it clears."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.failed.pattern == "{ $.outcome = \"failed\" }" && aws_cloudwatch_log_metric_filter.succeeded.pattern == "{ $.outcome = \"ok\" }"
    error_message = "The metrics must count the outcomes that the function logs."
  }

  assert {
    condition     = toset([for query in aws_cloudwatch_metric_alarm.failed.metric_query : query.metric[0].metric_name if length(query.metric) > 0]) == toset(["Failed", "Errors"])
    error_message = "Failures that the function logs and runs that Lambda ended must both count."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.threshold == 1 && aws_cloudwatch_metric_alarm.failed.comparison_operator == "GreaterThanOrEqualToThreshold"
    error_message = "One failure must raise the alarm."
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].metric_name])) == "Succeeded" && aws_cloudwatch_metric_alarm.silent[0].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.silent[0].threshold == 1
    error_message = "The silence alarm must be raised by a lack of successes."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.silent[0].treat_missing_data == "breaching" && contains(aws_cloudwatch_metric_alarm.silent[0].metric_query[*].expression, "FILL(said, 0)")
    error_message = "Missing data must count as silence, and an hour without data as an hour without a success."
  }

  assert {
    condition     = one(flatten([for query in aws_cloudwatch_metric_alarm.silent[0].metric_query : query.metric[*].period])) == 3600 && aws_cloudwatch_metric_alarm.silent[0].evaluation_periods == 3
    error_message = "Three hourly runs must be three hours."
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.key_expiry.pattern == "{ $.key_expires_in_days = * }" && aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].value == "$.key_expires_in_days"
    error_message = "The key's remaining days must be a metric."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.key_expiry[0].threshold == 21 && aws_cloudwatch_metric_alarm.key_expiry[0].comparison_operator == "LessThanThreshold" && aws_cloudwatch_metric_alarm.key_expiry[0].statistic == "Minimum"
    error_message = "Fewer than 21 days must raise the alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed_runs.metric_name == "ApproximateNumberOfMessagesVisible" && aws_cloudwatch_metric_alarm.failed_runs.dimensions.QueueName == local.failed_runs_name && aws_cloudwatch_metric_alarm.failed_runs.threshold == 0
    error_message = "One run in the queue must raise the alarm."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_query_definition.runs.query_string, "ispresent(outcome)") && contains(aws_cloudwatch_query_definition.runs.log_group_names, local.log_group_name)
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
