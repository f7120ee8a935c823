# Every variable set but source_dir, rollback_version, canary and snap_start: a multi-tenant client in production, with automatic key rotation and a customer-managed KMS key.
# Add `rotation` once the first key is in its secret.

terraform {
  required_version = ">= 1.9"
}

provider "aws" {
  region = "eu-north-1"
}

data "aws_caller_identity" "current" {}

module "helseid_fn" {
  source = "../.."

  name                     = "greetings"
  tags                     = { team = "integration", environment = "production" }
  permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"

  helseid_issuer      = "https://helseid-sts.nhn.no"
  helseid_client_id   = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope       = "nhn:greetings/read nhn:greetings/write nhn:selvbetjening/client"
  parent_organization = "999977774"
  child_organization  = "999977776"
  sfm_journal_id      = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
  api_url             = "https://api.example.no/machine-clients/greetings"
  api_methods         = ["GET", "POST"]
  organizations       = ["313745392:999977776"]
  token_endpoint_host = "helseid-sts.nhn.no"
  api_caller_headers  = ["accept", "content-type", "nhn-*"]
  api_headers         = { nhn-source-system = "My-EPJ, v1.0.2", api-version = "3" }
  api_max_megabytes   = 5
  deadline_seconds    = 40
  log_level           = "DEBUG"
  extra_environment   = { HTTPS_PROXY = "http://proxy.example.no:3128", NO_PROXY = ".amazonaws.com" }

  api_correlation_header = "nhn-event-id"

  result_to    = "bucket"
  results_days = 30
  cursor_in    = "s3://our-cursors/greetings/cursor.json"

  schedules = {
    mornings = { schedule = "cron(15 6 ? * MON,WED,FRI *)", invocation = { organization = { parent = "999977774" }, request = { method = "GET", query = { since = "yesterday" } } } }
    month    = { schedule = "cron(0 2 1 * ? *)", invocation = { input = { month = "<aws.scheduler.scheduled-time>" } }, enabled = false }
  }
  jitter_minutes    = 10
  longest_gap_hours = 80
  time_zone         = "Europe/Oslo"
  event_age_seconds = 7200

  architecture                = "arm64"
  python_version              = "3.13"
  archive                     = "${path.root}/lambda-arm64-3.13.zip"
  memory_mb                   = 1024
  reserved_concurrency        = 2
  secrets_extension_layer_arn = "arn:aws:lambda:eu-north-1:427196147048:layer:AWS-Parameters-and-Secrets-Lambda-Extension-Arm64:20"
  kms_key_arn                 = aws_kms_key.stored.arn
  alerts_kms_key_arn          = aws_kms_key.stored.arn
  code_signing_config_arn     = "arn:aws:lambda:eu-north-1:123456789012:code-signing-config:csc-0123456789abcdef0"
  allow_outside_eea           = false
  existing                    = { log_group = { name = "/greetings/runs" } }
  secret_administrators       = ["arn:aws:iam::123456789012:role/deploy"]
  secret_recovery_days        = 7
  xray                        = true
  function_url                = { principals = ["arn:aws:iam::123456789012:role/journal"] }

  vpc = {
    vpc_id          = "vpc-0a1b2c3d"
    subnet_ids      = ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]
    endpoints       = ["secretsmanager", "s3"]
    route_table_ids = ["rtb-0a1b2c3d"]
    dns_forwarding  = { "nhn.no" = ["10.0.0.53", "10.0.1.53"] }
    nat_gateways    = { one = "nat-0a1b2c3d" }
  }

  log_retention_days    = 365
  alert_emails          = ["on-call@example.no"]
  failures_to_alert     = 2
  key_expiry_alert_days = 30
  cursor_unmoved_hours  = 48
  watch_secret_access   = true
  runbook_url           = "https://git.example.no/integration/helseid-fn/docs/operating.md"

  rotation = {
    selvbetjening_url = "https://api.selvbetjening.nhn.no"
    schedule          = "rate(7 days)"
    alg               = "PS256"
    due_fraction      = 0.67
  }
}

# For the secret, the functions' environment, the logs, the results, the queue and the topic. The roles' own policies say what they may
# do with it, but CloudWatch Logs, CloudWatch and EventBridge have no role, so this policy must grant them access.
resource "aws_kms_key" "stored" {
  description         = "The key, the settings, the logs and the results of the greetings function."
  enable_key_rotation = true
  policy              = data.aws_iam_policy_document.stored.json
}

data "aws_iam_policy_document" "stored" {
  #checkov:skip=CKV_AWS_109: in a key policy * is this key, and without this statement nobody could manage it
  #checkov:skip=CKV_AWS_111: in a key policy * is this key, and without this statement nobody could manage it
  #checkov:skip=CKV_AWS_356: in a key policy * is this key, and without this statement nobody could manage it

  statement {
    sid       = "RolesOfThisAccountByTheirOwnPolicies"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "TheAlarmsToTheirTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }

  statement {
    sid       = "TheLogsOfTheFunctions"
    actions   = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.eu-north-1.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = [for name in ["/greetings/runs", "/aws/lambda/greetings*"] : "arn:aws:logs:eu-north-1:${data.aws_caller_identity.current.account_id}:log-group:${name}"]
    }
  }
}

output "helseid_fn" {
  description = "The commands to run next."
  value       = module.helseid_fn
}
