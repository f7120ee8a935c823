# Lets one GitHub repository plan and apply without a key: apply it once by hand, in the account of the function.
# Pull requests assume the planner's role, which may only read; the environment `production` assumes the deployer's.

terraform {
  required_version = ">= 1.9"
}

variable "repository" {
  description = "The GitHub repository with your root module, OWNER/NAME."
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

output "variables" {
  description = "The variables of the repository, for the workflow."
  value = {
    AWS_PLANNER  = aws_iam_role.ci["planner"].arn
    AWS_DEPLOYER = aws_iam_role.ci["deployer"].arn
  }
}
