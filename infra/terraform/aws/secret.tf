# The secret for the private key. Terraform creates an empty secret only. The key is added by hand (the outputs `add_key` and
# `make_key`), so it is never in a state, a plan or a variable.

resource "aws_secretsmanager_secret" "key" {
  #checkov:skip=CKV2_AWS_57: the rotation is optional, and in rotation.tf, where this check does not see it

  count = var.existing.secret == null ? 1 : 0

  name                    = "${var.name}-key"
  description             = "The private JWK with which ${var.name} signs in to HelseID. Terraform never sees its value."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
  tags                    = var.tags
}

locals {
  key_readers  = concat([local.function_role_arn], local.key_rotators)
  key_rotators = var.rotation == null ? [] : [local.rotator_role_arn]

  # The root user is always among them, since AWS documents no way past such a denial.
  root           = "arn:${local.partition}:iam::${local.account}:root"
  administrators = distinct(concat([local.root], var.secret_administrators == null ? local.appliers : sort(var.secret_administrators)))

  # Kind and name of each administrator as a regular expression, without account and path.
  kind_and_name       = "/^arn:[^:]*:[^:]*::[^:]*:([^/]*/)(.*/)?([^/]*)$/"
  administrator_names = [for arn in local.administrators : replace(replace(replace(replace(arn, local.kind_and_name, "$1$3"), "/[.+]/", "\\$0"), "*", ".*"), "?", ".")]
}

# Denies this secret to everybody else whom a policy elsewhere in the account allows to use it, administrators of the account
# included. Each pattern of ArnNotLike is a principal that is not denied; what it may do, its own policies must allow.
resource "aws_secretsmanager_secret_policy" "key" {
  count = var.existing.secret == null ? 1 : 0

  secret_arn = local.secret_arn
  policy     = data.aws_iam_policy_document.key.json

  lifecycle {
    precondition {
      condition = contains(local.administrators, local.caller) || anytrue([
        for name in local.administrator_names : can(regex("^${name}$", replace(local.appliers[0], local.kind_and_name, "$1$3")))
      ])
      error_message = "secret_administrators must contain ${local.appliers[0]}, who applies this and would be locked out."
    }
  }
}

data "aws_iam_policy_document" "key" {
  statement {
    sid       = "OnlyTheFunctionReadsTheKey"
    effect    = "Deny"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.key_readers
    }
  }

  statement {
    sid       = "OnlyTheRotationAndAdministratorsAddKeys"
    effect    = "Deny"
    actions   = ["secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = concat(local.key_rotators, local.administrators)
    }
  }

  statement {
    sid    = "OnlyAdministratorsChangeTheSecret"
    effect = "Deny"
    actions = [
      "secretsmanager:CancelRotateSecret", "secretsmanager:DeleteResourcePolicy", "secretsmanager:DeleteSecret",
      "secretsmanager:PutResourcePolicy", "secretsmanager:RemoveRegionsFromReplication", "secretsmanager:ReplicateSecretToRegions",
      "secretsmanager:RestoreSecret", "secretsmanager:RotateSecret", "secretsmanager:StopReplicationToReplica",
      "secretsmanager:UpdateSecret",
    ]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotLike"
      variable = "aws:PrincipalArn"
      values   = local.administrators
    }
  }
}
