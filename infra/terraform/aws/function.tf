# The function, with a role of its own that may read one secret and write one log.

locals {
  # The function gives up first and reports what it was waiting for; Lambda's timeout follows a moment later, and then a retry.
  timeout_seconds = ceil(var.deadline_seconds) + 5
  # Empty if there is no archive; the precondition below then gives an error that says so. An object in S3 is known by its name.
  archive_hash = local.archive == null ? null : fileexists(local.archive) ? filebase64sha256(local.archive) : ""
  callers      = var.function_url == null ? toset([]) : var.function_url.principals

  environment = merge(var.extra_environment, {
    for name, value in {
      HELSEID_ISSUER              = var.helseid_issuer
      HELSEID_CLIENT_ID           = var.helseid_client_id
      HELSEID_SCOPE               = var.helseid_scope
      HELSEID_KEY                 = local.secret_arn # the address, never the key
      HELSEID_PARENT_ORGANIZATION = var.parent_organization
      HELSEID_CHILD_ORGANIZATION  = var.child_organization
      HELSEID_ORGANIZATIONS       = length(var.organizations) == 0 ? null : join(" ", sort(var.organizations))
      HELSEID_SFM_JOURNAL_ID      = var.sfm_journal_id
      TOKEN_ENDPOINT_HOST         = var.token_endpoint_host
      API_URL                     = var.api_url
      API_METHODS                 = join(",", sort(var.api_methods))
      API_CALLER_HEADERS          = var.api_caller_headers == null ? null : join(" ", sort(var.api_caller_headers))
      API_HEADERS                 = length(var.api_headers) == 0 ? null : jsonencode(var.api_headers)
      API_CORRELATION_HEADER      = var.api_correlation_header
      API_MAX_MEGABYTES           = var.api_max_megabytes == null ? null : tostring(var.api_max_megabytes)
      DEADLINE_SECONDS            = tostring(var.deadline_seconds)
      LOG_LEVEL                   = var.log_level
    } : name => value if value != null
  })
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_116: failed runs go to a queue through the event invoke configuration below
  #checkov:skip=CKV_AWS_272: the archive is pinned by its hash, and anybody who can change it can change the signing profile as well

  function_name                  = local.function_name
  description                    = "Signs in to HelseID and calls an API."
  role                           = local.function_role_arn
  handler                        = "main.lambda_handler"
  runtime                        = "python${var.python_version}"
  architectures                  = [var.architecture]
  filename                       = local.archive
  s3_bucket                      = try(local.archive_object[0], null)
  s3_key                         = try(local.archive_object[1], null)
  source_code_hash               = local.archive_hash
  publish                        = true # a version for each change (live.tf)
  memory_size                    = var.memory_mb
  timeout                        = local.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  layers                         = var.secrets_extension_layer_arn == null ? [] : [var.secrets_extension_layer_arn]
  kms_key_arn                    = var.kms_key_arn
  code_signing_config_arn        = var.code_signing_config_arn
  tags                           = var.tags

  environment {
    variables = merge(local.environment, local.results_environment)
  }

  logging_config {
    log_format            = "JSON"
    log_group             = local.log_group_name
    application_log_level = "DEBUG" # LOG_LEVEL decides
    system_log_level      = "INFO"
  }

  tracing_config {
    mode = var.xray ? "Active" : "PassThrough"
  }

  dynamic "vpc_config" {
    for_each = var.vpc[*]

    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = local.security_group_ids
    }
  }

  dynamic "snap_start" {
    for_each = var.snap_start ? ["PublishedVersions"] : []

    content {
      apply_on = snap_start.value
    }
  }

  lifecycle {
    precondition {
      condition     = var.allow_outside_eea || contains(local.regions_in_eea, local.region)
      error_message = "${local.region} is outside the EU and the EEA: choose one of ${join(", ", local.regions_in_eea)}, or set allow_outside_eea."
    }

    precondition {
      condition     = local.archive == null ? true : fileexists(local.archive)
      error_message = "There is no archive at ${coalesce(local.archive, "(S3)")}: run `${local.build_command}`, or set archive."
    }

    precondition {
      condition     = var.source_dir == null || can(regex("\\blambda_handler\\b", local.job))
      error_message = "main.py in source_dir has no lambda_handler, which Lambda starts: add `lambda_handler = app.lambda_handler`."
    }
  }

  depends_on = [aws_iam_role_policy.function] # Lambda checks the role's network permissions when it creates the function
}

resource "aws_cloudwatch_log_group" "function" {
  count = var.existing.log_group == null ? 1 : 0

  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_iam_role" "function" {
  count = var.existing.function_role == null ? 1 : 0

  name                 = local.function_name
  description          = "What ${local.function_name} may do: read its key, write its log and its results."
  assume_role_policy   = data.aws_iam_policy_document.lambda_assumes.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "function" {
  count = var.existing.function_role == null ? 1 : 0

  name   = "read-key-write-log"
  role   = aws_iam_role.function[0].id
  policy = data.aws_iam_policy_document.function.json
}

data "aws_iam_policy_document" "function" {
  source_policy_documents = [data.aws_iam_policy_document.network_and_traces.json, data.aws_iam_policy_document.failed_runs.json, data.aws_iam_policy_document.results.json]

  statement {
    sid       = "ReadTheKey"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [local.secret_arn]

    # Not in the secret's own policy, where AWS does not allow this key; the extension runs in the function's environment:
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    condition {
      test     = "ArnLike"
      variable = "lambda:SourceFunctionArn"
      values   = local.function_sources
    }
  }

  dynamic "statement" {
    for_each = var.kms_key_arn[*]

    content {
      sid       = "DecryptTheKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringEquals"
        variable = "kms:EncryptionContext:SecretARN"
        values   = [local.secret_arn]
      }
    }
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.log_group_arn}:*"]
  }
}

data "aws_iam_policy_document" "lambda_assumes" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# Neither supports a resource narrower than *. Empty unless `vpc` or `xray` is set.
data "aws_iam_policy_document" "network_and_traces" {
  dynamic "statement" {
    for_each = var.vpc[*]

    content {
      sid = "AttachToTheNetwork"
      actions = [
        "ec2:AssignPrivateIpAddresses", "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets", "ec2:UnassignPrivateIpAddresses",
      ]
      resources = ["*"]
    }
  }

  # Lambda itself needs these; the code that runs in it does not.
  dynamic "statement" {
    for_each = var.vpc[*]

    content {
      sid       = "NotFromTheCode"
      effect    = "Deny"
      actions   = ["ec2:*"]
      resources = ["*"]

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = concat(local.function_sources, [local.rotator_arn])
      }
    }
  }

  dynamic "statement" {
    for_each = var.xray ? [true] : []

    content {
      sid       = "WriteTraces"
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
  }
}
