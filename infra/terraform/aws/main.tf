# The function on AWS: what is deployed, who may call it, and who may read its key.
#
#   versions.tf         the versions of Terraform and the provider
#   settings.tf         the function's settings (its environment), validated as the function validates them
#   variables.tf        how it is deployed
#   secret.tf           the secret for the private key, and who may read and write it
#   existing.tf         what exists already, or what the module makes instead
#   function.tf         the function, its role and its log
#   live.tf             the alias that everybody starts, its versions, retries and, optionally, the function URL
#   network.tf          the way out through a network of one's own
#   schedule.tf         what starts it, and where runs go that failed for good
#   schedule_gaps.tf    how long each schedule may be without a success
#   results.tf          where results go and a job's cursor is kept, and what the function may do there
#   results_storage.tf  the bucket or the queue for results, if the module makes one
#   alerts.tf           the alarms, and who is notified
#   silence.tf          the alarms on silence
#   silence_watch.tf    the small function that counts the hours for schedules that run rarely
#   results_alarms.tf   the alarms for results that do not arrive
#   dashboard.tf        the dashboard and the saved queries
#   watch.tf            who else uses the secret, and that you are notified
#   rotation.tf         the optional second function, which replaces the key
#   outputs.tf          commands to paste
#
# The region and the credentials are the AWS provider's own (AWS_REGION, AWS_PROFILE), so this works as a root module and
# as a module in another configuration.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  # Ireland, Paris, Frankfurt, Stockholm, Milan, Spain, and the European Sovereign Cloud; not London or Zurich.
  regions_in_eea = ["eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-3", "eusc-de-east-1"]

  function_name = var.name
  rotator_name  = "${var.name}-rotate"
  # Written out, because a reference to the resource would be circular.
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.function_name}"
  rotator_arn  = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.rotator_name}"

  # As the source of a request: AWS documents it without a version, and each version is the same function's own code.
  function_sources = [local.function_arn, "${local.function_arn}:*"]

  # A session's `aws:PrincipalArn` is its role, whose path the session's own ARN leaves out. Role names are unique in an account,
  # so the second pattern is no other role.
  caller      = data.aws_caller_identity.current.arn
  caller_role = try(one(regex(":assumed-role/([^/]+)/", local.caller)), null)
  appliers = local.caller_role == null ? [local.caller] : [
    for path in ["", "*/"] : "arn:${local.partition}:iam::${local.account}:role/${path}${local.caller_role}"
  ]

  # The job of one's own, if there is one, and the output of `make lambda-zip`, which is run in the repository.
  job            = var.source_dir == null ? "" : try(file("${var.source_dir}/main.py"), "")
  build_command  = "make lambda-zip ARCH=${var.architecture} RUNTIME=${var.python_version}${var.source_dir == null ? "" : " SOURCE=${abspath(var.source_dir)}"}"
  built_archive  = "${var.source_dir == null ? "${path.module}/../../.." : var.source_dir}/build/lambda-${var.architecture}-${var.python_version}.zip"
  archive_object = try(regex("^s3://([^/]+)/(.+)$", var.archive), null) # bucket and key
  archive        = local.archive_object == null ? coalesce(var.archive, local.built_archive) : null
}
