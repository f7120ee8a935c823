# The private key's place. Terraform makes the container only: the key is put into it by hand (the outputs `add_key` and
# `make_key`), so that it is in no state, no plan and no variable.

resource "aws_secretsmanager_secret" "key" {
  name                    = "${var.name}-key"
  description             = "The private JWK with which ${var.name} signs in to HelseID. Terraform does not know its value."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
  tags                    = var.tags
}

locals {
  key_readers = concat([aws_iam_role.function.arn], aws_iam_role.rotator[*].arn)
}

# Whoever else has been given GetSecretValue somewhere in the account, an administrator included, is refused this one.
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
