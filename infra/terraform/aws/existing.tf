# What exists already (var.existing), or what the module makes instead, under one name for both.

# Only whether a member is null decides what is made: its ARN may be known as late as at apply.
locals {
  secret_arn  = var.existing.secret == null ? one(aws_secretsmanager_secret.key[*].arn) : var.existing.secret.arn
  secret_name = var.existing.secret == null ? one(aws_secretsmanager_secret.key[*].name) : one(regex(":secret:(.*)-[A-Za-z0-9]{6}$", var.existing.secret.arn))

  function_role_arn = var.existing.function_role == null ? one(aws_iam_role.function[*].arn) : var.existing.function_role.arn
  schedule_role_arn = var.existing.schedule_role == null ? one(aws_iam_role.schedule[*].arn) : var.existing.schedule_role.arn
  rotator_role_arn  = var.existing.rotator_role == null ? one(aws_iam_role.rotator[*].arn) : var.existing.rotator_role.arn

  log_group_name = var.existing.log_group == null ? one(aws_cloudwatch_log_group.function[*].name) : var.existing.log_group.name
  log_group_arn  = var.existing.log_group == null ? one(aws_cloudwatch_log_group.function[*].arn) : "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${var.existing.log_group.name}"

  alerts_topic_arn = var.existing.alerts_topic == null ? one(aws_sns_topic.alerts[*].arn) : var.existing.alerts_topic.arn

  failed_runs_arn  = var.existing.failed_runs == null ? one(aws_sqs_queue.failed_runs[*].arn) : var.existing.failed_runs.arn
  failed_runs_name = var.existing.failed_runs == null ? one(aws_sqs_queue.failed_runs[*].name) : split(":", var.existing.failed_runs.arn)[5]
  failed_runs_url = (
    var.existing.failed_runs == null ? one(aws_sqs_queue.failed_runs[*].id) :
    "https://sqs.${split(":", var.existing.failed_runs.arn)[3]}.${data.aws_partition.current.dns_suffix}/${split(":", var.existing.failed_runs.arn)[4]}/${local.failed_runs_name}"
  )

  # What the owners of existing parts have to allow.
  needed_policies = {
    secret        = data.aws_iam_policy_document.key.json
    function_role = data.aws_iam_policy_document.function.json
    schedule_role = data.aws_iam_policy_document.schedule.json
    rotator_role  = one(data.aws_iam_policy_document.rotator[*].json)
    alerts_topic  = data.aws_iam_policy_document.alerts.json
  }
}
