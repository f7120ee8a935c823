# The function that signs in to HelseID, on AWS: what is deployed, who may call it, who may read its key.
#
#   versions.tf   what it is made with
#   settings.tf   what the function is told (its environment), with the function's own rules
#   variables.tf  how it is deployed
#   secret.tf     the container of the private key, and who may read it
#   function.tf   the function, its role, its log; the function URL, if asked for
#   schedule.tf   what starts it, and where runs that failed for good end up
#   alerts.tf     what tells people that it stopped working
#   rotation.tf   the second function, which replaces the key, if asked for
#   outputs.tf    commands to paste
#
# The region and the credentials are the AWS provider's own (AWS_REGION, AWS_PROFILE), so that this runs as a root module and
# as a module of another configuration alike.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.id

  function_name = var.name
  rotator_name  = "${var.name}-rotate"
  # Written out where naming the resource would go round in a circle.
  function_arn = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.function_name}"
  rotator_arn  = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.rotator_name}"

  # What `make lambda-zip` writes, unless another archive is named.
  archive = coalesce(var.archive_path, "${path.module}/../../../build/lambda-${var.architecture}-${var.python_version}.zip")
}
