# Lets one GitHub repository plan and apply without a key: apply it once by hand, in the account of the function.
# Pull requests assume the planner's role, which may only read, and no data; the environment `production` assumes the deployer's.

terraform {
  required_version = ">= 1.9"
}

variable "repository" {
  description = "The GitHub repository with your root module, OWNER/NAME."
  type        = string
}

variable "state_bucket" {
  description = "The bucket of the Terraform state."
  type        = string
}

provider "aws" {
  region = "eu-north-1"
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  issuer = "token.actions.githubusercontent.com"

  subjects = {
    planner  = "repo:${var.repository}:pull_request"
    deployer = "repo:${var.repository}:environment:production"
  }

  # The deployer makes roles and policies, so a smaller policy than the administrator's could be widened by itself; hence an
  # account of its own, or a permissions boundary.
  policies = {
    planner  = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    deployer = "arn:aws:iam::aws:policy/AdministratorAccess"
  }
}

data "aws_iam_policy_document" "trust" {
  for_each = local.subjects

  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]

    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.github.arn]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:aud"
      values   = ["sts.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "${local.issuer}:sub"
      values   = [each.value]
    }
  }
}

resource "aws_iam_role" "ci" {
  for_each           = local.subjects
  name               = "github-${each.key}"
  assume_role_policy = data.aws_iam_policy_document.trust[each.key].json
}

resource "aws_iam_role_policy_attachment" "ci" {
  #checkov:skip=CKV_AWS_274:The deployer makes roles and policies, so whatever smaller policy it had it could widen itself.
  for_each   = local.policies
  role       = aws_iam_role.ci[each.key].name
  policy_arn = each.value
}

# ReadOnlyAccess reads data as well, and whoever may push a branch is the planner.
data "aws_iam_policy_document" "no_data" {
  statement {
    sid           = "NoObjectsButTheState"
    effect        = "Deny"
    actions       = ["s3:GetObject", "s3:GetObjectVersion"]
    not_resources = ["arn:aws:s3:::${var.state_bucket}/*"]
  }

  statement {
    sid    = "NoMessagesNoLogsNoSecrets"
    effect = "Deny"
    actions = [
      "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogObject", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail",
      "logs:StartQuery", "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage",
    ]
    resources = ["*"]
  }
}

resource "aws_iam_role_policy" "planner" {
  name   = "no-data"
  role   = aws_iam_role.ci["planner"].id
  policy = data.aws_iam_policy_document.no_data.json
}

output "variables" {
  description = "The variables of the repository, for the workflow."
  value = {
    AWS_PLANNER  = aws_iam_role.ci["planner"].arn
    AWS_DEPLOYER = aws_iam_role.ci["deployer"].arn
  }
}
