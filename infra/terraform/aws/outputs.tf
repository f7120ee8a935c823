# What you need next, mostly as commands to paste.

output "add_key" {
  description = "Puts the private JWK in the file `client.jwk.json` into the secret, as its current version; run it once, by hand."
  value       = "aws secretsmanager put-secret-value --region ${local.region} --secret-id ${local.secret_arn} --secret-string file://client.jwk.json"
}

output "make_key" {
  description = "Instead of `add_key`, in the repository and signed in to AWS: makes a key, stores the private half in the secret and nowhere else, and prints the public half for Selvbetjening."
  value       = "make --silent .venv/aws-ready >&2 && .venv/bin/python -m helseid_fn key new ${local.secret_arn}"
}

locals {
  first_invocation = jsonencode(try(values(local.schedules)[0].invocation, {}))
}

# With its default timeout, the command gives up after a minute and starts the job again while the first is still running.
output "greet" {
  description = "Runs the job now, as the first of the schedules does (in the order of their names), waits for it, and prints its result."
  value       = "aws lambda invoke --region ${local.region} --cli-read-timeout ${local.timeout_seconds + 30} --function-name ${aws_lambda_function.function.function_name}:${aws_lambda_alias.live.name} --cli-binary-format raw-in-base64-out --payload '${replace(local.first_invocation, "'", "'\\''")}' /dev/stdout"
}

output "read_log" {
  description = "Prints the log lines of the last hour."
  value       = "aws logs tail ${local.log_group_name} --region ${local.region} --since 1h --format short"
}

output "read_failed_runs" {
  description = "Shows up to ten failed runs, and leaves them in the queue."
  value       = "aws sqs receive-message --region ${local.region} --queue-url ${local.failed_runs_url} --max-number-of-messages 10 --message-attribute-names All --visibility-timeout 0"
}

output "call_by_hand" {
  description = "Calls the function URL, signed with the credentials in the environment; null without `function_url`."
  value = var.function_url == null ? null : join(" ", [
    "printf 'user = \"%s:%s\"\\nheader = \"x-amz-security-token: %s\"\\n' \"$AWS_ACCESS_KEY_ID\" \"$AWS_SECRET_ACCESS_KEY\" \"$AWS_SESSION_TOKEN\" |",
    "curl -s -X POST", aws_lambda_function_url.function[0].function_url, "--aws-sigv4 aws:amz:${local.region}:lambda --config -",
  ])
}

output "rotate_now" {
  description = "Starts a rotation now, which replaces the key if it is due; null without `rotation`."
  value       = var.rotation == null ? null : "aws secretsmanager rotate-secret --region ${local.region} --secret-id ${local.secret_arn}"
}

output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.function.function_name
}

output "function_arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.function.arn
}

output "live_arn" {
  description = "ARN of the alias `live`, which is what to invoke and what to grant."
  value       = local.live_arn
}

output "live_version" {
  description = "The version that runs now; a later `rollback_version` brings it back."
  value       = aws_lambda_alias.live.function_version
}

output "function_role_arn" {
  description = "ARN of the function's role, for grants outside this module, such as a key policy."
  value       = local.function_role_arn
}

output "secret_arn" {
  description = "ARN of the secret that contains the key; the function's `HELSEID_KEY`."
  value       = local.secret_arn
}

output "result_to" {
  description = "Where results go: the function's `RESULT_TO`; null without `result_to`."
  value       = local.result_to
}

output "cursor_in" {
  description = "Where a job's cursor is kept; null if nowhere."
  value       = local.cursor_in
}

output "log_group_name" {
  description = "Name of the function's log group."
  value       = local.log_group_name
}

output "dashboard" {
  description = "Link to the dashboard."
  value       = "https://${local.region}.console.aws.amazon.com/cloudwatch/home?region=${local.region}#dashboards/dashboard/${aws_cloudwatch_dashboard.overview.dashboard_name}"
}

output "alerts_topic_arn" {
  description = "ARN of the SNS topic that the alarms publish to, for chat or an on-call service besides e-mail."
  value       = local.alerts_topic_arn
}

output "existing_policies" {
  description = "For each member of `existing` that has a policy, what that must contain: the roles' permissions, the secret's denials, what may publish to the topic."
  value       = { for name, policy in local.needed_policies : name => policy if try(var.existing[name], null) != null }
}

output "egress_addresses" {
  description = "The public addresses of `vpc.nat_gateways`, for an API that lets in known addresses only."
  value       = sort([for gateway in data.aws_nat_gateway.egress : gateway.public_ip])
}
