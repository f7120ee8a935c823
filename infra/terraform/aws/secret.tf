# The secret for the private key. Terraform creates an empty secret only. The key is added by hand (the outputs `add_key` and
# `make_key`), so it is never in a state, a plan or a variable.

resource "aws_secretsmanager_secret" "key" {
  name                    = "${var.name}-key"
  description             = "The private JWK with which ${var.name} signs in to HelseID. Terraform never sees its value."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
  tags                    = var.tags
}

locals {
  key_readers = concat([aws_iam_role.function.arn], aws_iam_role.rotator[*].arn)
}

# Denies this secret to everybody else who has GetSecretValue elsewhere in the account, administrators included.
resource "aws_secretsmanager_secret_policy" "key" {
  secret_arn = aws_secretsmanager_secret.key.arn
  policy     = data.aws_iam_policy_document.key.json
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
}
