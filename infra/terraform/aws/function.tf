# The function, with a role of its own that may read one secret and write one log.

locals {
  # The function gives up first and reports what it was waiting for; Lambda's timeout follows a moment later, and then a retry.
  timeout_seconds = ceil(var.deadline_seconds) + 5
  # Null if there is no archive; the precondition below then gives an error that says so.
  archive_hash = fileexists(local.archive) ? filebase64sha256(local.archive) : ""
  callers      = var.function_url == null ? toset([]) : var.function_url.principals

  environment = merge(var.extra_environment, {
    for name, value in {
      HELSEID_ISSUER              = var.helseid_issuer
      HELSEID_CLIENT_ID           = var.helseid_client_id
      HELSEID_SCOPE               = var.helseid_scope
      HELSEID_KEY                 = aws_secretsmanager_secret.key.arn # the address, never the key
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
  role                           = aws_iam_role.function.arn
  handler                        = "main.lambda_handler"
  runtime                        = "python${var.python_version}"
  architectures                  = [var.architecture]
  filename                       = local.archive
  source_code_hash               = local.archive_hash
  memory_size                    = var.memory_mb
  timeout                        = local.timeout_seconds
  reserved_concurrent_executions = coalesce(var.reserved_concurrency, -1)
  layers                         = var.secrets_extension_layer_arn == null ? [] : [var.secrets_extension_layer_arn]
  kms_key_arn                    = var.kms_key_arn
  tags                           = var.tags

  environment {
    variables = merge(local.environment, local.results_environment)
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.function.name
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
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  lifecycle {
    precondition {
      condition     = fileexists(local.archive)
      error_message = "There is no archive at ${local.archive}: run `${local.build_command}`, or set archive_path."
    }

    precondition {
      condition     = var.source_dir == null || can(regex("\\blambda_handler\\b", local.job))
      error_message = "main.py in source_dir has no lambda_handler, which Lambda starts: add `lambda_handler = app.lambda_handler`."
    }
  }

  depends_on = [aws_iam_role_policy.function] # Lambda checks the role's network permissions when it creates the function
}

# Schedules invoke the function asynchronously, so Lambda itself retries a run that raises: after one minute, then after two more.
# After that it sends the run to the queue.
resource "aws_lambda_function_event_invoke_config" "function" {
  function_name                = aws_lambda_function.function.function_name
  maximum_event_age_in_seconds = var.event_age_seconds
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.failed_runs.arn
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  name              = "/aws/lambda/${local.function_name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = var.tags
}

resource "aws_iam_role" "function" {
  name                 = local.function_name
  description          = "What ${local.function_name} may do: read its key, write its log and its results."
  assume_role_policy   = data.aws_iam_policy_document.lambda_assumes.json
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_role_policy" "function" {
  name   = "read-key-write-log"
  role   = aws_iam_role.function.id
  policy = data.aws_iam_policy_document.function.json
}

data "aws_iam_policy_document" "function" {
  source_policy_documents = [data.aws_iam_policy_document.network_and_traces.json, data.aws_iam_policy_document.failed_runs.json, data.aws_iam_policy_document.results.json]

  statement {
    sid       = "ReadTheKey"
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [aws_secretsmanager_secret.key.arn]

    # Not in the secret's own policy, where AWS does not allow this key; the extension runs in the function's environment:
    # https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.function_arn]
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
        values   = [aws_secretsmanager_secret.key.arn]
      }
    }
  }

  statement {
    sid       = "WriteTheLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.function.arn}:*"]
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
        test     = "ArnEquals"
        variable = "lambda:SourceFunctionArn"
        values   = [local.function_arn, local.rotator_arn]
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

resource "aws_lambda_function_url" "function" {
  count = var.function_url == null ? 0 : 1

  function_name      = aws_lambda_function.function.function_name
  authorization_type = "AWS_IAM"
}

# Since October 2025 AWS requires both actions of a caller of a function URL. The lowest provider version cannot yet restrict the
# second to the URL (lambda:InvokedViaFunctionUrl), so these callers can invoke the function directly as well.
resource "aws_lambda_permission" "url" {
  for_each = local.callers

  function_name          = aws_lambda_function.function.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = each.value
  function_url_auth_type = aws_lambda_function_url.function[0].authorization_type
}

resource "aws_lambda_permission" "url_function" {
  for_each = local.callers

  function_name = aws_lambda_function.function.function_name
  action        = "lambda:InvokeFunction"
  principal     = each.value
}
