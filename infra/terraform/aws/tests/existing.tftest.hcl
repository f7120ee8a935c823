# Parts that exist already are used, and nothing is made beside them.

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

run "everything_exists" {
  variables {
    rotation     = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
    alert_emails = ["a@example.no"]
    existing = {
      secret        = { arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:team/their-key-AbCdEf" }
      function_role = { arn = "arn:aws:iam::123456789012:role/team/theirs" }
      schedule_role = { arn = "arn:aws:iam::123456789012:role/team/their-schedule" }
      rotator_role  = { arn = "arn:aws:iam::123456789012:role/team/their-rotator" }
      log_group     = { name = "/their/log" }
      alerts_topic  = { arn = "arn:aws:sns:eu-north-1:123456789012:their-alerts" }
      failed_runs   = { arn = "arn:aws:sqs:eu-north-1:123456789012:their-failed-runs" }
    }
  }

  assert {
    condition = 0 == sum([
      for each in [
        aws_secretsmanager_secret.key, aws_secretsmanager_secret_policy.key, aws_iam_role.function, aws_iam_role_policy.function,
        aws_iam_role.schedule, aws_iam_role_policy.schedule, aws_iam_role.rotator, aws_iam_role_policy.rotator,
        aws_cloudwatch_log_group.function, aws_sns_topic.alerts, aws_sns_topic_policy.alerts, aws_sqs_queue.failed_runs,
      ] : length(each)
    ])
    error_message = "Nothing may be made beside what exists, or changed in it."
  }

  assert {
    condition     = alltrue([for each in [aws_lambda_function.function, aws_lambda_function.rotator[0]] : each.environment[0].variables.HELSEID_KEY == var.existing.secret.arn]) && aws_secretsmanager_secret_rotation.key[0].secret_id == var.existing.secret.arn && aws_lambda_permission.rotator[0].source_arn == var.existing.secret.arn && strcontains(output.add_key, var.existing.secret.arn)
    error_message = "The functions, the rotation and the commands must use the existing secret."
  }

  assert {
    condition     = contains(jsondecode(aws_cloudwatch_event_rule.secret_access[0].event_pattern).detail.requestParameters.secretId, "team/their-key")
    error_message = "Access to the existing secret must be seen by its name too."
  }

  assert {
    condition     = aws_lambda_function.function.role == var.existing.function_role.arn && aws_scheduler_schedule.runs["hourly"].target[0].role_arn == var.existing.schedule_role.arn && aws_lambda_function.rotator[0].role == var.existing.rotator_role.arn && output.function_role_arn == var.existing.function_role.arn
    error_message = "The functions and the schedule must have the existing roles."
  }

  assert {
    condition     = toset(jsondecode(aws_cloudwatch_event_rule.secret_access[0].event_pattern).detail["$or"][0].userIdentity.sessionContext.sessionIssuer.arn[0]["anything-but"]) == toset([var.existing.function_role.arn, var.existing.rotator_role.arn])
    error_message = "The existing roles must be nobody else."
  }

  assert {
    condition     = aws_lambda_function.function.logging_config[0].log_group == "/their/log" && aws_cloudwatch_log_metric_filter.failed.log_group_name == "/their/log" && output.log_group_name == "/their/log"
    error_message = "The function must log into the existing log group, and the metrics count there."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failed.alarm_actions == toset([var.existing.alerts_topic.arn]) && aws_sns_topic_subscription.alerts["a@example.no"].topic_arn == var.existing.alerts_topic.arn && output.alerts_topic_arn == var.existing.alerts_topic.arn
    error_message = "The existing topic must be told."
  }

  assert {
    condition     = one(aws_lambda_function_event_invoke_config.function.destination_config[0].on_failure).destination == var.existing.failed_runs.arn && one(aws_scheduler_schedule.runs["hourly"].target[0].dead_letter_config).arn == var.existing.failed_runs.arn && aws_cloudwatch_metric_alarm.failed_runs.dimensions.QueueName == "their-failed-runs"
    error_message = "Failed runs must go to the existing queue, and be counted there."
  }

  assert {
    condition     = strcontains(output.read_failed_runs, "--queue-url https://sqs.eu-north-1.amazonaws.com/123456789012/their-failed-runs ")
    error_message = "The command must read the existing queue."
  }

  assert {
    condition     = join(" ", keys(output.existing_policies)) == "alerts_topic function_role rotator_role schedule_role secret"
    error_message = "The owners of existing parts must be told what those must allow."
  }
}

run "nothing_exists" {
  assert {
    condition     = length(output.existing_policies) == 0
    error_message = "Without existing parts there must be nothing to allow."
  }
}
