# The dashboard NAME, and the saved queries, which read the function's log lines (docs/operating.md). A query of the dashboard is
# run when somebody looks at it.

locals {
  log_groups = concat([local.log_group_name], aws_cloudwatch_log_group.rotator[*].name)

  # A token that was fetched took requests to HelseID; a cached one took none.
  queries = {
    "runs"              = "fields @timestamp, outcome, code, party, retryable, trigger, scheduler_job, duration_ms, rotation, key_expires_in_days, message | filter ispresent(outcome) or severity in [\"ERROR\", \"CRITICAL\"] | sort @timestamp desc | limit 100"
    "calls"             = "filter ispresent(outcome) | stats sum(strcontains(outcome, \"ok\")) as ok, sum(strcontains(outcome, \"failed\")) as failed by bin(1h)"
    "failures-by-code"  = "filter outcome = \"failed\" | stats count(*) as failures, latest(@timestamp) as last, latest(message) as said by code, party, retryable | sort failures desc"
    "latency-by-party"  = "filter ispresent(outcome) | stats pct(duration_ms, 95) as total, pct(durations_ms.helseid, 95) as helseid, pct(durations_ms.api, 95) as api, pct(durations_ms.secret_store, 95) as secret_store, pct(durations_ms.delivery, 95) as delivery by bin(1h)"
    "tokens"            = "filter ispresent(outcome) and requests.api > 0 | fields least(requests.helseid, 1) as is_fetched | stats sum(is_fetched) as fetched, count(*) - sum(is_fetched) as cached, sum(strcontains(@message, \"\\\"token_renewed\\\": true\")) as renewed by bin(1h)"
    "nonce-rounds"      = "filter outcome = \"ok\" | parse @message /\"helseid\": \\[(?<said>[^\\]]*)\\]/ | stats sum(strcontains(said, \"400\")) as nonce_rounds by bin(1h)"
    "key-days-left"     = "filter ispresent(key_expires_in_days) | stats min(key_expires_in_days) as days by bin(1h)"
    "rotations"         = "filter ispresent(rotation) | fields @timestamp, rotation, rotation_step, kid, key_expires | sort @timestamp desc | limit 20"
    "cursor-lag"        = "filter ispresent(cursor_unmoved_hours) | stats max(cursor_unmoved_hours) as hours by bin(1h)"
    "delivered-results" = "filter ispresent(delivered.results) | stats sum(delivered.results) as results, sum(delivered.bytes) as bytes by bin(1h)"
  }

  # Title and view of each query of the dashboard, two in a row.
  charts = [
    ["Calls", "bar", "calls"], ["Failures by code and party", "table", "failures-by-code"],
    ["Latency by party, 95th percentile, ms", "timeSeries", "latency-by-party"], ["Calls with a token that was fetched, cached, or renewed after a refusal", "bar", "tokens"],
    ["Calls with a round for HelseID's nonce", "bar", "nonce-rounds"], ["Days until the key expires", "timeSeries", "key-days-left"],
    ["Rotations of the key", "table", "rotations"], ["Hours since the cursor moved", "timeSeries", "cursor-lag"],
    ["Delivered results", "bar", "delivered-results"], ["The latest runs", "table", "runs"],
  ]

  alarm_arns = concat(
    [aws_cloudwatch_metric_alarm.failed.arn, aws_cloudwatch_metric_alarm.failed_runs.arn],
    values(aws_cloudwatch_metric_alarm.silent)[*].arn, values(aws_cloudwatch_metric_alarm.silent_longer)[*].arn,
    [aws_cloudwatch_metric_alarm.key_expiry.arn], aws_cloudwatch_metric_alarm.rotation_failed[*].arn,
    aws_cloudwatch_metric_alarm.undelivered[*].arn, aws_cloudwatch_metric_alarm.cursor[*].arn,
  )
}

resource "aws_cloudwatch_dashboard" "overview" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [{ type = "alarm", x = 0, y = 0, width = 24, height = 3, properties = { title = "Alarms", alarms = local.alarm_arns } }],
      [
        for index, chart in local.charts : {
          type   = "log"
          x      = 12 * (index % 2)
          y      = 3 + 6 * floor(index / 2)
          width  = 12
          height = 6
          properties = {
            title  = chart[0]
            view   = chart[1]
            region = local.region
            query  = join(" | ", concat([for group in local.log_groups : "SOURCE '${group}'"], [local.queries[chart[2]]]))
          }
        }
      ],
    )
  })
}

resource "aws_cloudwatch_query_definition" "queries" {
  for_each = local.queries

  name            = "${var.name}/${each.key}"
  log_group_names = local.log_groups
  query_string    = replace(each.value, " | ", "\n| ")
}
