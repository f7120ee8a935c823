# Alarms for when the function stops working, and who is notified. Every invocation writes one JSON line with `outcome`, and the
# metrics count those lines. A run that Lambda ends before it can write one goes to the queue after the last retry.

locals {
  runbook = coalesce(var.runbook_url, "docs/operating.md")

  # What a caller may have caused is told to the caller; a schedule and an event have none.
  callers_codes    = ["invocation.*", "api.refused.other", "api.refused.not_found"]
  no_callers_fault = join(" && ", [for code in local.callers_codes : "($.code != \"${code}\" || $.trigger = \"schedule\" || $.trigger = \"event\")"])
}

check "somebody_is_notified" {
  assert {
    condition     = length(var.alert_emails) > 0 || var.existing.alerts_topic != null
    error_message = "Nobody is told when an alarm is raised. Set alert_emails, or existing.alerts_topic."
  }
}

resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26: an alarm message contains only the alarm's name and state, and CloudWatch cannot publish to a topic that uses AWS's own key

  count = var.existing.alerts_topic == null ? 1 : 0

  name              = "${var.name}-alerts"
  kms_master_key_id = var.alerts_kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "alerts" {
  count = var.existing.alerts_topic == null ? 1 : 0

  arn    = local.alerts_topic_arn
  policy = data.aws_iam_policy_document.alerts.json
}

data "aws_iam_policy_document" "alerts" {
  statement {
    sid       = "AlarmsOfThisAccount"
    actions   = ["sns:Publish"]
    resources = [local.alerts_topic_arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }

  dynamic "statement" {
    for_each = aws_cloudwatch_event_rule.secret_access[*].arn

    content {
      sid       = "AccessToTheSecret"
      actions   = ["sns:Publish"]
      resources = [local.alerts_topic_arn]

      principals {
        type        = "Service"
        identifiers = ["events.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value]
      }
    }
  }
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = var.alert_emails

  topic_arn = local.alerts_topic_arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_log_metric_filter" "failed" {
  name           = "${var.name}-failed"
  log_group_name = local.log_group_name

  # A failure that may pass counts when its retries are used up, in the queue of failed runs. Before the first key is added, every
  # run ends for lack of it.
  pattern = "{ $.outcome = \"failed\" && $.retryable IS FALSE && ${local.no_callers_fault} && $.code != \"secret_manager.refused.not_found\" }"

  metric_transformation {
    namespace     = var.name
    name          = "Failed"
    value         = "1"
    default_value = "0" # so that the series exists before the first failure
  }
}

resource "aws_cloudwatch_log_metric_filter" "key_expiry" {
  name           = "${var.name}-key-expiry"
  log_group_name = local.log_group_name
  pattern        = "{ $.key_expires_in_days = * }"

  metric_transformation {
    namespace = var.name
    name      = "KeyExpiresInDays"
    value     = "$.key_expires_in_days"
  }
}

resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-failed"
  alarm_description   = "A call of ${local.function_name} failed in a way that no retry mends. Runbook: ${local.runbook}#a-call-failed"
  namespace           = aws_cloudwatch_log_metric_filter.failed.metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.failed.metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.failures_to_alert
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags
}

# Between two runs there is no data and the alarm keeps its state; the alarms on silence cover that.
resource "aws_cloudwatch_metric_alarm" "key_expiry" {
  alarm_name          = "${var.name}-key-expiry"
  alarm_description   = "The key of ${local.function_name} expires within ${var.key_expiry_alert_days} days. Runbook: ${local.runbook}#the-key-expires-soon"
  namespace           = aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].name
  statistic           = "Minimum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = var.key_expiry_alert_days
  treat_missing_data  = "ignore"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "failed_runs" {
  alarm_name          = "${var.name}-failed-runs"
  alarm_description   = "Runs of ${local.function_name} failed after every retry; they are in the queue ${local.failed_runs_name}. Runbook: ${local.runbook}#runs-were-given-up"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = local.failed_runs_name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags
}
