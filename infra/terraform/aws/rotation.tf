# The second function, which replaces the key automatically. Only it may add versions of the secret and choose the current one.
# Secrets Manager invokes it on a schedule; the function itself decides whether the key is due.

locals {
  # Generating a 4096-bit key takes seconds, and HelseID needs up to 20 s before it accepts a new key.
  rotator_deadline_seconds = max(var.deadline_seconds, 120)
  makes_rotator_role       = var.rotation != null && var.existing.rotator_role == null
}

resource "aws_lambda_function" "rotator" {
  #checkov:skip=CKV_AWS_115: Secrets Manager runs one rotation of a secret at a time, and small accounts have no concurrency to reserve
  #checkov:skip=CKV_AWS_116: Secrets Manager waits for each response and repeats the rotation itself, so there is no failed event to keep
  #checkov:skip=CKV_AWS_272: the archive is pinned by its hash, and anybody who can change it can change the signing profile as well

  count = var.rotation == null ? 0 : 1

  function_name    = local.rotator_name
  description      = "Replaces the key of ${local.function_name} before it expires."
  role             = local.rotator_role_arn
  handler          = "main.rotate_lambda"
  runtime          = "python${var.python_version}"
  architectures    = [var.architecture]
  filename         = local.archive
  s3_bucket        = try(local.archive_object[0], null)
  s3_key           = try(local.archive_object[1], null)
  source_code_hash = local.archive_hash
  memory_size      = max(var.memory_mb, 1024)
  timeout          = ceil(local.rotator_deadline_seconds) + 5
  kms_key_arn      = var.kms_key_arn

  code_signing_config_arn = var.code_signing_config_arn

  tags = var.tags

  environment {
    variables = merge(local.environment, {
      DEADLINE_SECONDS      = tostring(local.rotator_deadline_seconds)
      SELVBETJENING_URL     = var.rotation.selvbetjening_url
      ROTATION_ALG          = var.rotation.alg
      ROTATION_DUE_FRACTION = tostring(var.rotation.due_fraction)
    })
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.rotator[0].name
    application_log_level = "DEBUG"
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = var.xray ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = local.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = var.source_dir == null || can(regex("\\brotate_lambda\\b", local.job))
      error_message = "main.py in source_dir has no rotate_lambda, which ${local.rotator_name} starts: add `rotate_lambda = app.rotate_lambda`."
    }
  }

  depends_on = [aws_iam_role_policy.rotator]
}

resource "aws_secretsmanager_secret_rotation" "key" {
  #checkov:skip=CKV_AWS_304: rotation runs every seven days by default, in a form that this check does not read

  count = var.rotation == null ? 0 : 1

  secret_id           = local.secret_arn
  rotation_lambda_arn = aws_lambda_function.rotator[0].arn
  rotate_immediately  = false

  rotation_rules {
    schedule_expression = var.rotation.schedule
  }

  depends_on = [aws_lambda_permission.rotator, aws_secretsmanager_secret_policy.key]
}

resource "aws_lambda_permission" "rotator" {
  count = var.rotation == null ? 0 : 1

  function_name  = aws_lambda_function.rotator[0].function_name
  action         = "lambda:InvokeFunction"
  principal      = "secretsmanager.amazonaws.com"
  source_account = local.account
  source_arn     = local.secret_arn

  lifecycle {
    ignore_changes = [source_account] # unknown while something that the module depends on changes; it would be replaced
  }
}

resource "aws_cloudwatch_log_group" "rotator" {
  count = var.rotation == null ? 0 : 1

  name              = "/aws/lambda/${local.rotator_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_iam_role" "rotator" {
  count = local.makes_rotator_role ? 1 : 0

  name                 = local.rotator_name
  description          = "What ${local.rotator_name} may do: read, add and promote versions of the key, write its log."
  assume_role_policy   = data.aws_iam_policy_document.lambda_assumes.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "rotator" {
  count = local.makes_rotator_role ? 1 : 0

  name   = "rotate-key-write-log"
  role   = aws_iam_role.rotator[0].id
  policy = data.aws_iam_policy_document.rotator[0].json
}

data "aws_iam_policy_document" "rotator" {
  count = var.rotation == null ? 0 : 1

  source_policy_documents = [data.aws_iam_policy_document.network_and_traces.json]

  statement {
    sid = "RotateTheKey"
    actions = [
      "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
      "secretsmanager:UpdateSecretVersionStage",
    ]
    resources = [local.secret_arn]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.rotator_arn]
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "DecryptAndEncryptTheKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [local.secret_arn]
      }
    }
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.rotator[0].arn}:*"]
  }
}

resource "aws_cloudwatch_log_metric_filter" "rotation_failed" {
  count = var.rotation == null ? 0 : 1

  name           = "${var.name}-rotation-failed"
  log_group_name = aws_cloudwatch_log_group.rotator[0].name
  pattern        = "{ $.outcome = \"failed\" }"

  metric_transformation {
    namespace     = var.name
    name          = "RotationFailed"
    value         = "1"
    default_value = "0" # so that the series exists before the first failure
  }
}

# The old key keeps working until it expires, and another alarm warns before that.
resource "aws_cloudwatch_metric_alarm" "rotation_failed" {
  count = var.rotation == null ? 0 : 1

  alarm_name          = "${var.name}-rotation-failed"
  alarm_description   = "${local.rotator_name} could not replace the key; the current key stays in use. Runbook: ${local.runbook}#the-key-rotation-failed"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags

  metric_query {
    id          = "failures"
    label       = "failed rotations"
    expression  = "MAX([FILL(said, 0), FILL(ended, 0)])"
    return_data = true
  }

  metric_query {
    id = "said"

    metric {
      namespace   = aws_cloudwatch_log_metric_filter.rotation_failed[0].metric_transformation[0].namespace
      metric_name = aws_cloudwatch_log_metric_filter.rotation_failed[0].metric_transformation[0].name
      stat        = "Sum"
      period      = 300
    }
  }

  metric_query {
    id = "ended"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.rotator[0].function_name }
      stat        = "Sum"
      period      = 300
    }
  }
}
