# Alarms for results that do not arrive: one that was not delivered, and a cursor that stays where it is.

locals {
  watches_delivery = local.result_to != null || local.cursor_in != null
  watches_cursor   = var.cursor_unmoved_hours != null
}

# Counted at the first try, since no retry mends a missing right or place. What may pass by itself counts when the retries are used
# up, in the queue of failed runs. A run that another one has overtaken is no result that is missing: the other delivers it.
resource "aws_cloudwatch_log_metric_filter" "undelivered" {
  count = local.watches_delivery ? 1 : 0

  name           = "${var.name}-undelivered"
  log_group_name = local.log_group_name
  pattern        = "{ ($.code = \"delivery.refused.*\" || $.code = \"delivery.invalid_response.*\") && $.code != \"delivery.refused.overtaken\" }"

  metric_transformation {
    namespace     = var.name
    name          = "Undelivered"
    value         = "1"
    default_value = "0" # so that the series exists before the first failure
  }
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  count = local.watches_delivery ? 1 : 0

  alarm_name          = "${var.name}-undelivered"
  alarm_description   = "${local.function_name} could not deliver a result, or read or move its cursor. Runbook: ${local.runbook}#a-result-was-not-delivered"
  namespace           = aws_cloudwatch_log_metric_filter.undelivered[0].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.undelivered[0].metric_transformation[0].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags
}

# Only lines of successes: if runs fail, the alarms on failures are raised.
resource "aws_cloudwatch_log_metric_filter" "cursor" {
  count = local.watches_cursor ? 1 : 0

  name           = "${var.name}-cursor"
  log_group_name = local.log_group_name
  pattern        = "{ $.outcome = \"ok\" && $.cursor_unmoved_hours = * }"

  metric_transformation {
    namespace = var.name
    name      = "CursorUnmovedHours"
    value     = "$.cursor_unmoved_hours"
  }
}

# Between two runs there is no data and the alarm keeps its state; the maximum is that of all organizations' cursors.
resource "aws_cloudwatch_metric_alarm" "cursor" {
  count = local.watches_cursor ? 1 : 0

  alarm_name          = "${var.name}-cursor"
  alarm_description   = "Runs of ${local.function_name} succeed, but its cursor ${coalesce(local.cursor_in, "(none)")} has not moved for ${var.cursor_unmoved_hours} hours. Runbook: ${local.runbook}#the-cursor-does-not-move"
  namespace           = aws_cloudwatch_log_metric_filter.cursor[0].metric_transformation[0].namespace
  metric_name         = aws_cloudwatch_log_metric_filter.cursor[0].metric_transformation[0].name
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.cursor_unmoved_hours
  treat_missing_data  = "ignore"
  alarm_actions       = [local.alerts_topic_arn]
  ok_actions          = [local.alerts_topic_arn]
  tags                = var.tags
}
