# Alarms for when the function stops working. Every invocation writes one JSON line with `outcome`. The metrics count those lines,
# and Lambda's own error count covers invocations that were killed before they could write one.

locals {
  # CloudWatch looks back seven days in periods of an hour, or one day in shorter periods. The period is an hour if runs are an hour
  # or more apart, otherwise the schedule's own interval. A daily schedule with N = 3 means 72 hours without a success.
  silence_step   = min(local.gap_seconds, 3600)
  silence_window = min(local.gap_seconds * var.silence_schedules, local.silence_step < 3600 ? 86400 : 604800)

  log_groups      = concat([local.log_group_name], aws_cloudwatch_log_group.rotator[*].name)
  watches_silence = var.silence_schedules > 0 && var.schedule_enabled
  watches_expiry  = var.key_expiry_alert_days > 0
  look_here       = "Run the saved query ${var.name}/runs in CloudWatch Logs Insights; docs/errors.md explains each code."
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

resource "aws_cloudwatch_log_metric_filter" "succeeded" {
  name           = "${var.name}-succeeded"
  log_group_name = local.log_group_name
  pattern        = "{ $.outcome = \"ok\" }"

  metric_transformation {
    namespace = var.name
    name      = "Succeeded"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "failed" {
  name           = "${var.name}-failed"
  log_group_name = local.log_group_name
  pattern        = "{ $.outcome = \"failed\" }"

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

# A failure is a log line that reports one, or a run that Lambda ended: a timeout, too little memory, settings that keep it from
# starting. A failure that is raised for a retry is both, and counts once.
resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-failed"
  alarm_description   = "An invocation of ${local.function_name} failed. ${local.look_here}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.failures_to_alert
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags

  metric_query {
    id          = "failures"
    label       = "failed invocations"
    expression  = "MAX([FILL(said, 0), FILL(ended, 0)])"
    return_data = true
  }

  metric_query {
    id = "said"

    metric {
      namespace   = aws_cloudwatch_log_metric_filter.failed.metric_transformation[0].namespace
      metric_name = aws_cloudwatch_log_metric_filter.failed.metric_transformation[0].name
      stat        = "Sum"
      period      = 300
    }
  }

  metric_query {
    id = "ended"

    metric {
      namespace   = "AWS/Lambda"
      metric_name = "Errors"
      dimensions  = { FunctionName = aws_lambda_function.function.function_name }
      stat        = "Sum"
      period      = 300
    }
  }
}

# The usual failure is silence: nothing runs, so nothing fails. Missing data therefore counts as no success, and this alarm is
# raised until the first run after the key was added. Hours without data are filled with zeros, because CloudWatch otherwise looks
# for data before the evaluated periods, and would find an old success before it treats any period as missing:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.watches_silence ? 1 : 0

  alarm_name          = "${var.name}-silent"
  alarm_description   = "No invocation of ${local.function_name} has succeeded for ${var.silence_schedules} schedules (${var.schedule}). ${local.look_here}"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = floor(local.silence_window / local.silence_step)
  treat_missing_data  = "breaching" # if there has never been any data
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags

  metric_query {
    id          = "successes"
    label       = "successful invocations"
    expression  = "FILL(said, 0)"
    return_data = true
  }

  metric_query {
    id = "said"

    metric {
      namespace   = aws_cloudwatch_log_metric_filter.succeeded.metric_transformation[0].namespace
      metric_name = aws_cloudwatch_log_metric_filter.succeeded.metric_transformation[0].name
      stat        = "Sum"
      period      = local.silence_step
    }
  }
}

# Between two runs there is no data and the alarm keeps its state; the alarm above covers silence.
resource "aws_cloudwatch_metric_alarm" "key_expiry" {
  count = local.watches_expiry ? 1 : 0

  alarm_name          = "${var.name}-key-expiry"
  alarm_description   = "The key of ${local.function_name} expires within ${var.key_expiry_alert_days} days. Register a new key in Selvbetjening and add it as a version of the secret (docs/keys-and-rotation.md)."
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
  alarm_description   = "Runs of ${local.function_name} failed after every retry; they are in the queue ${local.failed_runs_name}. ${local.look_here}"
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

resource "aws_cloudwatch_query_definition" "runs" {
  name            = "${var.name}/runs"
  log_group_names = local.log_groups
  query_string    = <<-QUERY
    fields @timestamp, outcome, code, party, retryable, duration_ms, rotation, key_expires_in_days, message
    | filter ispresent(outcome) or severity in ["ERROR", "CRITICAL"]
    | sort @timestamp desc
    | limit 100
  QUERY
}

resource "aws_cloudwatch_query_definition" "failures" {
  name            = "${var.name}/failures-by-code"
  log_group_names = local.log_groups
  query_string    = <<-QUERY
    filter outcome = "failed"
    | stats count(*) as failures, latest(@timestamp) as last, latest(message) as said by code, party, retryable
    | sort failures desc
  QUERY
}
