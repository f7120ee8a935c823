# The optional features.

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

run "every_option_takes_effect" {
  variables {
    vpc                         = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
    kms_key_arn                 = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
    secrets_extension_layer_arn = "arn:aws:lambda:eu-north-1:427196147048:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:20"
    permissions_boundary_arn    = "arn:aws:iam::123456789012:policy/boundary"
    xray                        = true
    reserved_concurrency        = 3
    alerts_kms_key_arn          = "arn:aws:kms:eu-north-1:123456789012:key/2c3d"
    code_signing_config_arn     = "arn:aws:lambda:eu-north-1:123456789012:code-signing-config:csc-0123456789abcdef0"
    extra_environment           = { HTTPS_PROXY = "http://proxy.example.no:3128" }
    tags                        = { team = "integration" }
    organizations               = ["999977774", "313745392:999977776"]
    token_endpoint_host         = "helseid-token.example.no:8443"
    api_caller_headers          = ["nhn-*", "accept"]
    api_headers                 = { api-version = "3" }
    api_correlation_header      = "nhn-event-id"
    api_max_megabytes           = 5
    rotation                    = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  assert {
    condition     = alltrue([for each in [aws_lambda_function.function, aws_lambda_function.rotator[0]] : each.vpc_config[0].subnet_ids == toset(["subnet-1"]) && each.vpc_config[0].security_group_ids == toset(["sg-1"])])
    error_message = "Both functions must be in the network."
  }

  assert {
    condition = alltrue([
      for each in [
        aws_secretsmanager_secret.key[0].kms_key_id, aws_lambda_function.function.kms_key_arn, aws_cloudwatch_log_group.function[0].kms_key_id,
        aws_lambda_function.rotator[0].kms_key_arn, aws_cloudwatch_log_group.rotator[0].kms_key_id, aws_sqs_queue.failed_runs[0].kms_master_key_id
      ] : each == "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
    ])
    error_message = "The secret, the environments, the logs and the queue must be encrypted with the given key."
  }

  assert {
    condition     = aws_sns_topic.alerts[0].kms_master_key_id == var.alerts_kms_key_arn
    error_message = "The topic must be encrypted with its own key."
  }

  assert {
    condition     = alltrue([for each in [aws_lambda_function.function, aws_lambda_function.rotator[0]] : each.code_signing_config_arn == var.code_signing_config_arn])
    error_message = "Both functions must take signed archives only."
  }

  assert {
    condition     = aws_lambda_function.function.layers == tolist(["arn:aws:lambda:eu-north-1:427196147048:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:20"])
    error_message = "The function must have the extension."
  }

  assert {
    condition     = alltrue([for each in [aws_iam_role.function[0], aws_iam_role.schedule[0], aws_iam_role.rotator[0]] : each.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "Every role must have the boundary."
  }

  assert {
    condition     = aws_lambda_function.function.tracing_config[0].mode == "Active" && aws_lambda_function.function.reserved_concurrent_executions == 3 && aws_lambda_function.function.environment[0].variables.HTTPS_PROXY == "http://proxy.example.no:3128"
    error_message = "X-Ray, reserved concurrency and additional variables must apply to the function."
  }

  assert {
    condition     = alltrue([for each in [aws_lambda_function.function, aws_secretsmanager_secret.key[0], aws_sqs_queue.failed_runs[0], aws_sns_topic.alerts[0], aws_iam_role.schedule[0]] : each.tags == tomap({ team = "integration" })])
    error_message = "Every resource that supports tags must have them."
  }

  assert {
    condition = {
      for name, value in aws_lambda_function.function.environment[0].variables : name => value
      if contains(["HELSEID_ORGANIZATIONS", "TOKEN_ENDPOINT_HOST", "API_CALLER_HEADERS", "API_MAX_MEGABYTES", "API_HEADERS", "API_CORRELATION_HEADER"], name)
      } == {
      HELSEID_ORGANIZATIONS  = "313745392:999977776 999977774"
      TOKEN_ENDPOINT_HOST    = "helseid-token.example.no:8443"
      API_CALLER_HEADERS     = "accept nhn-*"
      API_MAX_MEGABYTES      = "5"
      API_HEADERS            = "{\"api-version\":\"3\"}"
      API_CORRELATION_HEADER = "nhn-event-id"
    }
    error_message = "What callers may do, and every call's headers, must be the function's settings."
  }
}

run "a_start_from_a_snapshot" {
  variables {
    snap_start = true
    rotation   = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  assert {
    condition     = aws_lambda_function.function.snap_start[0].apply_on == "PublishedVersions" && length(aws_lambda_function.rotator[0].snap_start) == 0
    error_message = "The function must start from a snapshot, and not the rotating one, which has no versions."
  }
}

run "a_region_outside_the_eea_is_refused" {
  command = plan

  override_data {
    target = data.aws_region.current
    values = { id = "eu-west-2" }
  }

  expect_failures = [aws_lambda_function.function]
}

run "a_region_outside_the_eea_is_chosen" {
  override_data {
    target = data.aws_region.current
    values = { id = "eu-west-2" }
  }

  variables {
    allow_outside_eea = true
  }

  assert {
    condition     = local.function_arn == "arn:aws:lambda:eu-west-2:123456789012:function:helseid-fn"
    error_message = "Another region must be possible."
  }
}
