# The schedules that start the function, with a role of their own that may do nothing else.

resource "aws_scheduler_schedule_group" "runs" {
  name = var.name
  tags = var.tags
}

resource "aws_scheduler_schedule" "runs" {
  #checkov:skip=CKV_AWS_297: a schedule contains the invocation, in which there is no secret, and AWS's own key encrypts it

  for_each = local.schedules

  name                         = each.key
  group_name                   = aws_scheduler_schedule_group.runs.name
  description                  = "Starts ${local.function_name}."
  schedule_expression          = each.value.schedule
  schedule_expression_timezone = var.time_zone
  state                        = each.value.enabled ? "ENABLED" : "DISABLED"

  flexible_time_window {
    mode                      = var.jitter_minutes == 0 ? "OFF" : "FLEXIBLE"
    maximum_window_in_minutes = var.jitter_minutes == 0 ? null : var.jitter_minutes
  }

  target {
    arn      = local.live_arn
    role_arn = local.schedule_role_arn

    # The event that a rule of EventBridge would send, from which the function logs what started it (docs/triggers.md). Scheduler
    # replaces the words in angle brackets, which jsonencode would escape.
    input = replace(jsonencode({
      "detail-type" = "Scheduled Event"
      source        = "aws.scheduler"
      resources     = ["<aws.scheduler.schedule-arn>"]
      time          = "<aws.scheduler.scheduled-time>"
      id            = "<aws.scheduler.execution-id>"
      detail        = each.value.invocation
    }), "/\\\\u003c(aws\\.scheduler\\.[a-z-]+)\\\\u003e/", "<$1>")

    # For runs that Lambda does not accept; those that it accepts, it retries by itself (function.tf).
    retry_policy {
      maximum_event_age_in_seconds = var.event_age_seconds
      maximum_retry_attempts       = 5
    }

    dead_letter_config {
      arn = local.failed_runs_arn
    }
  }

  depends_on = [aws_iam_role_policy.schedule]
}

# Runs that the schedule or Lambda gave up on. An alarm reports that there are any; somebody inspects them and purges the queue.
resource "aws_sqs_queue" "failed_runs" {
  count = var.existing.failed_runs == null ? 1 : 0

  name                      = "${var.name}-failed-runs"
  message_retention_seconds = 1209600 # 14 days, the maximum
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null # AWS allows one of the two
  tags                      = var.tags
}

resource "aws_iam_role" "schedule" {
  count = var.existing.schedule_role == null ? 1 : 0

  name                 = "${var.name}-schedule"
  description          = "What the schedule may do: start ${local.function_name}."
  assume_role_policy   = data.aws_iam_policy_document.scheduler_assumes.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "schedule" {
  count = var.existing.schedule_role == null ? 1 : 0

  name   = "start-function"
  role   = aws_iam_role.schedule[0].id
  policy = data.aws_iam_policy_document.schedule.json
}

# The sender encrypts. With an existing data key SQS decrypts that first:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
data "aws_iam_policy_document" "failed_runs" {
  statement {
    sid       = "HandOverFailedRuns"
    actions   = ["sqs:SendMessage"]
    resources = [local.failed_runs_arn]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "EncryptFailedRuns"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:ViaService"
        values   = ["sqs.${local.region}.amazonaws.com"]
      }
    }
  }
}

data "aws_iam_policy_document" "schedule" {
  source_policy_documents = [data.aws_iam_policy_document.failed_runs.json]

  statement {
    sid       = "StartTheFunction"
    actions   = ["lambda:InvokeFunction"]
    resources = concat([local.live_arn], aws_lambda_function.watch[*].arn)
  }
}

data "aws_iam_policy_document" "scheduler_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    # AWS expects the group here, not the schedule.
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_scheduler_schedule_group.runs.arn]
    }
  }
}
