# The second function, which replaces the key.

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

run "rotation_runs_in_its_own_function" {
  variables {
    rotation         = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no", due_fraction = 0.5 }
    deadline_seconds = 25
  }

  assert {
    condition     = aws_lambda_function.rotator[0].handler == "main.rotate_lambda" && aws_lambda_function.rotator[0].source_code_hash == aws_lambda_function.function.source_code_hash
    error_message = "The rotating function must be main.rotate_lambda of the same archive."
  }

  assert {
    condition     = aws_lambda_function.rotator[0].role == local.rotator_role_arn && aws_iam_role.rotator[0].name == "helseid-fn-rotate" && aws_iam_role_policy.rotator[0].role == aws_iam_role.rotator[0].id && aws_lambda_function.rotator[0].logging_config[0].log_group == aws_cloudwatch_log_group.rotator[0].name
    error_message = "The rotating function must have its own role and log."
  }

  assert {
    condition = aws_lambda_function.rotator[0].environment[0].variables == tomap(merge(aws_lambda_function.function.environment[0].variables, {
      DEADLINE_SECONDS      = "120"
      SELVBETJENING_URL     = "https://api.selvbetjening.test.nhn.no"
      ROTATION_ALG          = "PS256"
      ROTATION_DUE_FRACTION = "0.5"
    }))
    error_message = "The rotating function must have the function's settings and those of the rotation."
  }

  assert {
    condition     = aws_lambda_function.rotator[0].timeout == 125
    error_message = "The rotating function must end before Lambda ends it."
  }

  assert {
    condition     = length(coalesce(aws_lambda_function.rotator[0].layers, [])) == 0
    error_message = "The rotating function must not read through the extension's cache."
  }

  assert {
    condition     = aws_lambda_permission.rotator[0].principal == "secretsmanager.amazonaws.com" && aws_lambda_permission.rotator[0].source_arn == local.secret_arn && aws_lambda_permission.rotator[0].source_account == "123456789012"
    error_message = "Only Secrets Manager may start the rotation, for this secret, in this account."
  }

  assert {
    condition     = aws_secretsmanager_secret_rotation.key[0].rotate_immediately == false && one(aws_secretsmanager_secret_rotation.key[0].rotation_rules).schedule_expression == "rate(7 days)"
    error_message = "Rotation must run every seven days, and not immediately."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.rotation_failed[0].alarm_actions == toset([local.alerts_topic_arn]) && aws_cloudwatch_log_metric_filter.rotation_failed[0].log_group_name == aws_cloudwatch_log_group.rotator[0].name && aws_cloudwatch_log_metric_filter.rotation_failed[0].pattern == "{ $.outcome = \"failed\" }"
    error_message = "A failed rotation must raise an alarm."
  }
}
