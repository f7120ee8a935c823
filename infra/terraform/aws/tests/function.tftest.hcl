# The function, its key and its role, by default.

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

run "by_default" {
  assert {
    condition     = one(aws_lambda_function.function.architectures) == "arm64" && aws_lambda_function.function.runtime == "python3.13" && aws_lambda_function.function.handler == "main.lambda_handler"
    error_message = "The function must be main.lambda_handler on python3.13 and arm64."
  }

  assert {
    condition     = aws_lambda_function.function.source_code_hash == filebase64sha256("tests/archive.txt")
    error_message = "A change of the archive, and nothing else, must redeploy the function."
  }

  assert {
    condition     = aws_lambda_function.function.role == local.function_role_arn && aws_iam_role.function[0].name == "helseid-fn"
    error_message = "The function must have its own role."
  }

  assert {
    condition     = aws_lambda_function.function.logging_config[0].log_format == "JSON" && aws_lambda_function.function.logging_config[0].log_group == local.log_group_name
    error_message = "The function must write JSON to its own log group."
  }

  assert {
    condition     = aws_lambda_function.function.logging_config[0].application_log_level == "DEBUG"
    error_message = "Lambda's own filter must let everything pass; LOG_LEVEL decides."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function[0].retention_in_days == 365
    error_message = "The log must not be kept forever."
  }

  assert {
    condition = aws_lambda_function.function.environment[0].variables == tomap({
      HELSEID_ISSUER    = "https://helseid-sts.test.nhn.no"
      HELSEID_CLIENT_ID = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
      HELSEID_SCOPE     = "nhn:test-public-samplecode/client-credentials"
      HELSEID_KEY       = local.secret_arn
      API_URL           = "https://api.example.no/machine-clients/greetings"
      API_METHODS       = "GET"
      DEADLINE_SECONDS  = "25"
      LOG_LEVEL         = "INFO"
    })
    error_message = "The function must have its settings, and the address of its key."
  }

  assert {
    condition     = length(aws_lambda_function_url.function) + length(aws_lambda_permission.url) + length(aws_lambda_permission.url_function) == 0
    error_message = "There must be no function URL, and no permission to call one, unless configured."
  }

  assert {
    condition     = length(aws_lambda_function.rotator) + length(aws_secretsmanager_secret_rotation.key) + length(aws_iam_role.rotator) + length(aws_lambda_permission.rotator) == 0
    error_message = "Nothing may rotate the key unless configured."
  }

  assert {
    condition     = length(aws_lambda_function.function.vpc_config) == 0 && aws_lambda_function.function.tracing_config[0].mode == "PassThrough"
    error_message = "The network and X-Ray must stay as they are unless configured."
  }

  assert {
    condition = (
      length(aws_s3_bucket.results) + length(aws_sqs_queue.results) + length(aws_cloudwatch_metric_alarm.undelivered)
      + length(aws_cloudwatch_metric_alarm.cursor) == 0 && output.result_to == null && output.cursor_in == null
    )
    error_message = "Results must go nowhere unless configured."
  }

  assert {
    condition     = length(aws_lambda_function.function.snap_start) == 0 && aws_lambda_function.function.code_signing_config_arn == null && aws_sns_topic.alerts[0].kms_master_key_id == null
    error_message = "Snapshots, signatures and the topic's key must be optional."
  }

  assert {
    condition     = length(aws_lambda_function.function.layers) == 0
    error_message = "There must be no layer unless configured."
  }

  assert {
    condition = local.secret_name == "helseid-fn-key" && alltrue([
      for name in fileset(".", "*.tf") : !can(regex("aws_secretsmanager_secret_version|secret_string *=|secret_binary", file(name)))
    ])
    error_message = "There must be a secret, and no file may contain a version of it: the key would be in the state."
  }

  assert {
    condition     = strcontains(output.add_key, local.secret_arn) && strcontains(output.add_key, "file://client.jwk.json")
    error_message = "The command that adds the key must name the secret, and take the key from a file."
  }

  assert {
    condition     = aws_secretsmanager_secret.key[0].recovery_window_in_days == 30
    error_message = "A deleted secret must be restorable."
  }
}
