# Alarms for the usual failure, silence: nothing runs, so nothing fails. Each schedule has its own, so that one which runs hides no
# other. CloudWatch looks back seven days in periods of an hour, or one day in shorter periods; for schedules that run less often,
# NAME-watch puts the hours since the last success into a metric.

locals {
  watched        = { for name, hours in local.silence_hours : name => hours if try(hours > 0, false) }
  watched_by_run = { for name, hours in local.watched : name => hours if hours <= 168 }
  watched_longer = { for name, hours in local.watched : name => hours if hours > 168 }

  # An hour, or a third of a shorter silence.
  silence_steps = { for name, hours in local.watched_by_run : name => hours >= 2 ? 3600 : max(60, 60 * floor(20 * hours)) }

  # Nothing that is expected before a schedule began can be missing, so periods up to the hour in which it did are left out.
  timestamp      = "YEAR(said) * 1000000 + MONTH(said) * 10000 + DATE(said) * 100 + HOUR(said)"
  before_running = { for name, each in terraform_data.running_since : name => "${local.timestamp} <= ${formatdate("YYYYMMDDhh", each.input)}" }
}

# When each schedule began: when it was created, changed or turned on.
resource "terraform_data" "running_since" {
  for_each = local.running

  input            = plantimestamp()
  triggers_replace = each.value

  lifecycle {
    ignore_changes = [input]
  }
}

resource "aws_cloudwatch_log_metric_filter" "succeeded" {
  name           = "${var.name}-succeeded"
  log_group_name = local.log_group_name
  pattern        = "{ $.outcome = \"ok\" && $.trigger = \"schedule\" && $.scheduler_job = * }"

  metric_transformation {
    namespace  = var.name
    name       = "Succeeded"
    value      = "1"
    dimensions = { schedule = "$.scheduler_job" }
  }
}

# Hours without data are filled with zeros, because CloudWatch otherwise looks for data before the evaluated periods, and would
# find an old success before it treats any period as missing:
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
resource "aws_cloudwatch_metric_alarm" "silent" {
  for_each = local.watched_by_run

  alarm_name          = "${var.name}-silent-${each.key}"
  alarm_description   = "No run of the schedule ${each.key} of ${local.function_name} has succeeded for ${each.value} hours. Runbook: ${local.runbook}#no-call-has-succeeded"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  evaluation_periods  = ceil(each.value * 3600 / local.silence_steps[each.key])
  treat_missing_data  = "breaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags

  metric_query {
    id          = "successes"
    label       = "successful runs"
    expression  = "IF(${local.before_running[each.key]}, 1, FILL(said, 0))"
    return_data = true
  }

  metric_query {
    id = "said"

    metric {
      namespace   = aws_cloudwatch_log_metric_filter.succeeded.metric_transformation[0].namespace
      metric_name = aws_cloudwatch_log_metric_filter.succeeded.metric_transformation[0].name
      dimensions  = { schedule = each.key }
      stat        = "Sum"
      period      = local.silence_steps[each.key]
    }
  }
}

# The same from the metric of NAME-watch, which is put once an hour: an hour without it counts as silence too, and two such hours
# in a row raise the alarm.
resource "aws_cloudwatch_metric_alarm" "silent_longer" {
  for_each = local.watched_longer

  alarm_name          = "${var.name}-silent-${each.key}"
  alarm_description   = "No run of the schedule ${each.key} of ${local.function_name} has succeeded for ${each.value} hours, or ${var.name}-watch does not count them. Runbook: ${local.runbook}#no-call-has-succeeded"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value - 2
  evaluation_periods  = 2
  treat_missing_data  = "breaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags

  metric_query {
    id          = "hours"
    label       = "hours since the last success"
    expression  = "IF(${local.before_running[each.key]}, 0, FILL(said, ${each.value}))"
    return_data = true
  }

  metric_query {
    id = "said"

    metric {
      namespace   = var.name
      metric_name = "HoursSinceSuccess"
      dimensions  = { schedule = each.key }
      stat        = "Minimum"
      period      = 3600
    }
  }
}
