# What a mocked AWS returns when the module reads more than a name: a distinct ARN for each resource, so that one cannot pass for
# another. Policy documents are not computed here; tests/policies covers them.

mock_data "aws_caller_identity" {
  defaults = { account_id = "123456789012", arn = "arn:aws:sts::123456789012:assumed-role/deploy/somebody" }
}

mock_data "aws_partition" {
  defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
}

mock_data "aws_region" {
  defaults = { id = "eu-north-1" }
}

mock_data "aws_iam_policy_document" {
  defaults = { json = "{}" }
}

mock_resource "aws_lambda_function_url" {
  defaults = { function_url = "https://mocked.lambda-url.eu-north-1.on.aws/" }
}

override_resource {
  target = aws_secretsmanager_secret.key
  values = { arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid-fn-key-AbCdEf" }
}

override_resource {
  target = aws_iam_role.function
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn" }
}

override_resource {
  target = aws_iam_role.schedule
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-schedule" }
}

override_resource {
  target = aws_iam_role.rotator
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-rotate" }
}

override_resource {
  target = aws_lambda_function.function
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", version = "8" }
}

override_resource {
  target = aws_lambda_alias.live
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:live" }
}

override_resource {
  target = aws_lambda_function.rotator
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-rotate" }
}

override_resource {
  target = aws_sqs_queue.failed_runs
  values = { arn = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-failed-runs" }
}

override_resource {
  target = aws_sqs_queue.results
  values = { arn = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-results" }
}

override_resource {
  target = aws_s3_bucket.results
  values = { arn = "arn:aws:s3:::helseid-fn-results-123456789012", id = "helseid-fn-results-123456789012" }
}

override_resource {
  target = aws_cloudwatch_event_rule.secret_access
  values = { arn = "arn:aws:events:eu-north-1:123456789012:rule/helseid-fn-secret-access" }
}

override_resource {
  target = aws_sns_topic.alerts
  values = { arn = "arn:aws:sns:eu-north-1:123456789012:helseid-fn-alerts" }
}

override_resource {
  target = aws_scheduler_schedule_group.runs
  values = { arn = "arn:aws:scheduler:eu-north-1:123456789012:schedule-group/helseid-fn" }
}

override_resource {
  target = aws_cloudwatch_log_group.function
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn" }
}

override_resource {
  target = aws_cloudwatch_log_group.rotator
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn-rotate" }
}

override_resource {
  target = aws_iam_role.watch
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-watch" }
}

override_resource {
  target = aws_lambda_function.watch
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-watch" }
}

override_resource {
  target = aws_cloudwatch_log_group.watch
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn-watch" }
}
