# What tells people that it stopped working. Every invocation writes one JSON line with `outcome`; the metrics are made of these,
# and of Lambda's own count of errors for what was killed before it could write one.

locals {
  # CloudWatch looks back seven days in steps of an hour, one day in shorter ones: hours where schedules are an hour or more apart,
  # the schedule's own pace where they are quicker. A daily schedule and N = 3 are 72 hours, all without a success.
  silence_step   = min(local.gap_seconds, 3600)
  silence_window = min(local.gap_seconds * var.silence_schedules, local.silence_step < 3600 ? 86400 : 604800)

  log_groups      = concat([aws_cloudwatch_log_group.function.name], aws_cloudwatch_log_group.rotator[*].name)
  watches_silence = var.silence_schedules > 0 && var.schedule_enabled
  watches_expiry  = var.key_expiry_alert_days > 0
  look_here       = "Look here: the saved query ${var.name}/runs in CloudWatch Logs Insights; what each code means stands in the function's README, \"When it fails\"."
}

resource "aws_sns_topic" "alerts" {
  #checkov:skip=CKV_AWS_26: an alarm says no more than that it is one, and CloudWatch cannot publish through AWS's own key

  name = "${var.name}-alerts"
  tags = var.tags
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.alerts.json
}

data "aws_iam_policy_document" "alerts" {
  statement {
    sid       = "AlarmsOfThisAccount"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alerts.arn]

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
}

resource "aws_sns_topic_subscription" "alerts" {
  for_each = var.alert_emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_log_metric_filter" "succeeded" {
  name           = "${var.name}-succeeded"
  log_group_name = aws_cloudwatch_log_group.function.name
  pattern        = "{ $.outcome = \"ok\" }"

  metric_transformation {
    namespace = var.name
    name      = "Succeeded"
    value     = "1"
  }
}

resource "aws_cloudwatch_log_metric_filter" "failed" {
  name           = "${var.name}-failed"
  log_group_name = aws_cloudwatch_log_group.function.name
  pattern        = "{ $.outcome = \"failed\" }"

  metric_transformation {
    namespace     = var.name
    name          = "Failed"
    value         = "1"
    default_value = "0" # so that there is a series to add up before the first failure
  }
}

resource "aws_cloudwatch_log_metric_filter" "key_expiry" {
  name           = "${var.name}-key-expiry"
  log_group_name = aws_cloudwatch_log_group.function.name
  pattern        = "{ $.key_expires_in_days = * }"

  metric_transformation {
    namespace = var.name
    name      = "KeyExpiresInDays"
    value     = "$.key_expires_in_days"
  }
}

# A failure is a line that says so, or a run that Lambda ended: the timeout, memory, settings that stop it from starting. What is
# raised for another try is both, and counts once.
resource "aws_cloudwatch_metric_alarm" "failed" {
  alarm_name          = "${var.name}-failed"
  alarm_description   = "An invocation of ${local.function_name} failed. ${local.look_here}"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = var.failures_to_alert
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
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

# The usual failure is silence: nothing runs, so nothing fails. No data is therefore as bad as no success; until the first run
# after the key was added, this alarm is raised. Hours without data are made noughts here, since CloudWatch looks for data before
# the periods that it is told of, and so would find an old success, before it treats any as missing:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.watches_silence ? 1 : 0

  alarm_name          = "${var.name}-silent"
  alarm_description   = "No invocation of ${local.function_name} has succeeded for ${var.silence_schedules} schedules (${var.schedule}). ${local.look_here}"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = floor(local.silence_window / local.silence_step)
  treat_missing_data  = "breaching" # where there has never been any
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
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

# Between two runs nothing is measured and the alarm stays as it is; silence is the alarm's above.
resource "aws_cloudwatch_metric_alarm" "key_expiry" {
  count = local.watches_expiry ? 1 : 0

  alarm_name          = "${var.name}-key-expiry"
  alarm_description   = "The key of ${local.function_name} expires within ${var.key_expiry_alert_days} days: register a new one in Selvbetjening and add it as a version of the secret (the function's README, \"The key\")."
  namespace           = aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.key_expiry.metric_transformation[0].name
  statistic           = "Minimum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = var.key_expiry_alert_days
  treat_missing_data  = "ignore"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "failed_runs" {
  alarm_name          = "${var.name}-failed-runs"
  alarm_description   = "Runs of ${local.function_name} were given up after every retry and wait in the queue ${aws_sqs_queue.failed_runs.name}. ${local.look_here}"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.failed_runs.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
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
