# NAME-watch, a small function that puts the hours since the last success into a metric, once an hour; only for schedules that run
# so rarely that CloudWatch's own alarms cannot look back far enough. It is in the same archive, and has no key and no network.

locals {
  watch_name  = "${var.name}-watch"
  needs_watch = length(local.watched_longer) > 0
}

resource "aws_lambda_function" "watch" {
  #checkov:skip=CKV_AWS_50: a trace of two calls of CloudWatch tells nobody anything
  #checkov:skip=CKV_AWS_115: it runs once an hour, and small accounts have no concurrency to reserve
  #checkov:skip=CKV_AWS_116: a run that fails leaves the metric without a value, which raises the alarm
  #checkov:skip=CKV_AWS_117: it reaches CloudWatch alone, and needs no network of yours
  #checkov:skip=CKV_AWS_272: the archive is pinned by its hash, and anybody who can change it can change the signing profile as well

  count = local.needs_watch ? 1 : 0

  function_name    = local.watch_name
  description      = "Counts the hours since ${local.function_name} succeeded."
  role             = aws_iam_role.watch[0].arn
  handler          = "helseid_fn/aws_sdk/hours_since_success.handler"
  runtime          = "python${var.python_version}"
  architectures    = [var.architecture]
  filename         = local.archive
  s3_bucket        = try(local.archive_object[0], null)
  s3_key           = try(local.archive_object[1], null)
  source_code_hash = local.archive_hash
  memory_size      = 256
  timeout          = 60
  kms_key_arn      = var.kms_key_arn
  tags             = var.tags

  code_signing_config_arn = var.code_signing_config_arn

  environment {
    variables = {
      NAMESPACE = var.name
      SCHEDULES = jsonencode({ for name in keys(local.watched_longer) : name => terraform_data.running_since[name].input })
    }
  }

  logging_config {
    log_format = "JSON"
    log_group  = aws_cloudwatch_log_group.watch[0].name
  }

  depends_on = [aws_iam_role_policy.watch]
}

resource "aws_cloudwatch_log_group" "watch" {
  count = local.needs_watch ? 1 : 0

  name              = "/aws/lambda/${local.watch_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_scheduler_schedule" "watch" {
  #checkov:skip=CKV_AWS_297: a schedule contains no secret, and AWS's own key encrypts it

  count = local.needs_watch ? 1 : 0

  name                = "watch"
  group_name          = aws_scheduler_schedule_group.runs.name
  description         = "Starts ${local.watch_name}."
  schedule_expression = "rate(1 hour)"

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.watch[0].arn
    role_arn = local.schedule_role_arn
  }

  depends_on = [aws_iam_role_policy.schedule]
}

resource "aws_iam_role" "watch" {
  count = local.needs_watch ? 1 : 0

  name                 = local.watch_name
  description          = "What ${local.watch_name} may do: read metrics, put those of ${var.name}, write its log."
  assume_role_policy   = data.aws_iam_policy_document.lambda_assumes.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "watch" {
  count = local.needs_watch ? 1 : 0

  name   = "count-hours-write-log"
  role   = aws_iam_role.watch[0].id
  policy = data.aws_iam_policy_document.watch[0].json
}

data "aws_iam_policy_document" "watch" {
  #checkov:skip=CKV_AWS_356: CloudWatch knows no resource narrower than * for metrics
  #checkov:skip=CKV_AWS_111: CloudWatch knows no resource narrower than * for metrics, and the condition names the namespace

  count = local.needs_watch ? 1 : 0

  statement {
    sid       = "ReadMetrics"
    actions   = ["cloudwatch:GetMetricData"]
    resources = ["*"]
  }

  statement {
    sid       = "PutMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = [var.name]
    }
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.watch[0].arn}:*"]
  }
}
