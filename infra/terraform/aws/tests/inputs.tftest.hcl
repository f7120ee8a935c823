# Invalid inputs are refused by name, before anything is created; tests/deployment/test_aws_inputs.py tries many more.

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

run "settings_that_the_function_would_refuse" {
  command = plan

  variables {
    helseid_issuer      = "https://helseid-sts.test.nhn.no/"
    helseid_client_id   = "a client"
    helseid_scope       = " "
    api_url             = "http://api.example.no/"
    api_methods         = ["get"]
    parent_organization = "99997777"
    child_organization  = "NO999977776"
    sfm_journal_id      = "4a5f8d0e"
    organizations       = ["99997777"]
    token_endpoint_host = "https://a.no"
    api_caller_headers  = ["*"]
    api_max_megabytes   = 65
    api_headers         = { dpop = "x" }
    deadline_seconds    = 0
    log_level           = "TRACE"
    result_to           = "topic"
    cursor_in           = "s3://my-bucket"
  }

  expect_failures = [
    var.helseid_issuer, var.helseid_client_id, var.helseid_scope, var.api_url,
    var.api_methods, var.parent_organization, var.child_organization, var.sfm_journal_id,
    var.organizations, var.token_endpoint_host, var.api_caller_headers, var.api_max_megabytes,
    var.api_headers, var.deadline_seconds, var.log_level,
    var.result_to, var.cursor_in,
  ]
}

run "a_deployment_that_aws_would_refuse" {
  command = plan

  variables {
    name                     = "Helseid_Fn"
    architecture             = "arm"
    python_version           = "3.10"
    memory_mb                = 128
    reserved_concurrency     = 0
    schedules                = { once = { schedule = "at(2027-01-01T00:00:00)" } }
    time_zone                = "Oslo time"
    jitter_minutes           = -1
    runbook_url              = "#runbook"
    vpc                      = { subnet_ids = ["subnet-1"], security_group_ids = [] }
    kms_key_arn              = "alias/helseid"
    permissions_boundary_arn = "boundary"
    secret_recovery_days     = 3
    log_retention_days       = 0
    alert_emails             = ["operator"]
    failures_to_alert        = 0
    key_expiry_alert_days    = 0
    rotation                 = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no", alg = "HS256" }
    extra_environment        = { HELSEID_KEY = "file:/tmp/key" }
    source_dir               = "tests"
    results_days             = 0
    cursor_unmoved_hours     = 24
  }

  expect_failures = [
    var.name, var.architecture, var.python_version, var.memory_mb,
    var.reserved_concurrency, var.schedules, var.time_zone, var.jitter_minutes, var.runbook_url,
    var.vpc, var.kms_key_arn, var.permissions_boundary_arn, var.secret_recovery_days,
    var.log_retention_days, var.alert_emails, var.failures_to_alert, var.key_expiry_alert_days,
    var.rotation, var.extra_environment, var.source_dir, var.results_days,
    var.cursor_unmoved_hours,
  ]
}

run "callers_keys_and_layers_that_are_not_allowed" {
  command = plan

  variables {
    function_url                = { principals = ["*"] }
    extra_environment           = { NOTE = "{\"kty\":\"RSA\"}" }
    secrets_extension_layer_arn = "arn:aws:lambda:eu-north-1:427196147048:layer:AWS-Parameters-and-Secrets-Lambda-Extension:20"
    rotation                    = { selvbetjening_url = "http://api.selvbetjening.nhn.no" }
    log_level                   = "WARNING"
    api_methods                 = []
    schedules                   = { hourly = { schedule = "rate(1 hour)", invocation = "text" } }
    deadline_seconds            = 891
    memory_mb                   = 512.5
    name                        = "helseid-"
    api_correlation_header      = "traceparent"
  }

  expect_failures = [
    var.function_url, var.extra_environment, var.secrets_extension_layer_arn, var.rotation,
    var.log_level, var.api_methods, var.schedules, var.deadline_seconds,
    var.memory_mb, var.name, var.api_correlation_header,
  ]
}

run "administrators_without_the_applying_identity" {
  command = plan

  variables {
    secret_administrators = ["arn:aws:iam::123456789012:role/dep.oy", "arn:aws:iam::123456789012:user/deploy", "arn:aws:iam::123456789012:role/deploy/other"]
  }

  expect_failures = [aws_secretsmanager_secret_policy.key[0]]
}

run "administrators_by_pattern" {
  command = plan

  variables {
    secret_administrators = ["arn:aws:iam::123456789012:role/a.path/*/dep?o*"]
  }

  assert {
    condition     = length(local.administrators) == 2
    error_message = "A pattern must match the identity that applies this, whatever the path of the role."
  }
}

run "a_user_who_applies_this" {
  command = plan

  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "123456789012", arn = "arn:aws:iam::123456789012:user/a/path/deploy+1" }
  }

  variables {
    secret_administrators = ["arn:aws:iam::123456789012:user/a/path/deploy+1"]
  }

  assert {
    condition     = one(local.appliers) == "arn:aws:iam::123456789012:user/a/path/deploy+1"
    error_message = "A user is its own principal."
  }
}
