# The alias `live`, which the schedules and the function URL start, and the versions behind it.

locals {
  newest_version = aws_lambda_function.function.version
  live_version   = var.rollback_version == null ? local.newest_version : tostring(var.rollback_version)
  canary_version = try(var.canary.version, null) == null ? local.newest_version : tostring(var.canary.version)
  live_arn       = aws_lambda_alias.live.arn
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = "What runs now."
  function_name    = aws_lambda_function.function.function_name
  function_version = local.live_version

  dynamic "routing_config" {
    for_each = var.canary[*]

    content {
      # AWS refuses the same version twice, as the newest is before the first change after a rollback.
      additional_version_weights = { for version in [local.canary_version] : version => routing_config.value.weight if version != local.live_version }
    }
  }
}

# The schedules invoke the function asynchronously, so Lambda itself retries a run that raises: after one minute, then after two more.
# After that it sends the run to the queue.
resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  qualifier                    = aws_lambda_alias.live.name
  maximum_event_age_in_seconds = var.event_age_seconds
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = local.failed_runs_arn
    }
  }
}

resource "aws_lambda_function_url" "function" {
  count = var.function_url == null ? 0 : 1

  function_name      = aws_lambda_function.function.function_name
  qualifier          = aws_lambda_alias.live.name
  authorization_type = "AWS_IAM"
}

# Since October 2025 AWS requires both actions of a caller of a function URL. The lowest provider version cannot yet restrict the
# second to the URL (lambda:InvokedViaFunctionUrl), so these callers can invoke the function directly as well.
resource "aws_lambda_permission" "url" {
  for_each = local.callers

  function_name          = aws_lambda_function.function.function_name
  qualifier              = aws_lambda_alias.live.name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = each.value
  function_url_auth_type = aws_lambda_function_url.function[0].authorization_type
}

resource "aws_lambda_permission" "url_function" {
  for_each = local.callers

  function_name = aws_lambda_function.function.function_name
  qualifier     = aws_lambda_alias.live.name
  action        = "lambda:InvokeFunction"
  principal     = each.value
}
