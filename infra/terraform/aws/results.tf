# With var.result_to or var.cursor_in: where results go, where a job's cursor is kept, and what the function may do there.

locals {
  makes_bucket = var.result_to == "bucket"
  makes_queue  = var.result_to == "queue"

  # The settings RESULT_TO and CURSOR_IN; without the latter, the function keeps the cursor beside results in a bucket. In the
  # module's own bucket it is not among the results, which are deleted by age: a job without its cursor starts from the beginning.
  result_to = (
    local.makes_bucket ? "s3://${one(aws_s3_bucket.results[*].bucket)}/results" :
    local.makes_queue ? "arn:${local.partition}:sqs:${local.region}:${local.account}:${one(aws_sqs_queue.results[*].name)}" :
    var.result_to
  )
  cursor_setting = var.cursor_in == null && local.makes_bucket ? "s3://${one(aws_s3_bucket.results[*].bucket)}/cursor.json" : var.cursor_in
  cursor_in      = local.cursor_setting == null && local.results_parts != null ? "s3://${local.results_parts[0]}/${local.results_folder}cursor.json" : local.cursor_setting

  results_environment = { for name, value in { RESULT_TO = local.result_to, CURSOR_IN = local.cursor_setting } : name => value if value != null }

  # Bucket and names for IAM. Another organization's cursor has its numbers before the last dot.
  results_parts  = try(regex("^s3://([^/]+)/*(.*[^/])?/*$", local.result_to), null)
  results_folder = try(local.results_parts[1], null) == null ? "" : "${local.results_parts[1]}/"
  cursor_parts   = try(regex("^s3://([^/]+)/(.*[^/])([.][^./]*)$", local.cursor_in), concat(regex("^s3://([^/]+)/(.+)$", local.cursor_in), [""]), null)
  cursor_names   = local.cursor_parts == null ? [] : ["${local.cursor_parts[1]}${local.cursor_parts[2]}", "${local.cursor_parts[1]}-*${local.cursor_parts[2]}"]
  results_queue  = try(regex("^arn:.*", local.result_to), null)

  used_buckets = distinct([for parts in [local.results_parts, local.cursor_parts] : "arn:${local.partition}:s3:::${parts[0]}" if parts != null])
}

# The rights of the function's own code, as for the key.
data "aws_iam_policy_document" "results" {
  dynamic "statement" {
    for_each = local.results_parts == null ? [] : ["arn:${local.partition}:s3:::${local.results_parts[0]}/${local.results_folder}*"]

    content {
      sid       = "StoreResults"
      actions   = ["s3:PutObject"]
      resources = [statement.value]

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = local.function_sources
      }
    }
  }

  dynamic "statement" {
    for_each = local.results_queue[*]

    content {
      sid       = "SendResults"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = local.function_sources
      }
    }
  }

  dynamic "statement" {
    for_each = local.cursor_parts == null ? [] : [local.cursor_parts]

    content {
      sid       = "MoveTheCursor"
      actions   = ["s3:GetObject", "s3:PutObject"]
      resources = [for name in local.cursor_names : "arn:${local.partition}:s3:::${statement.value[0]}/${name}"]

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = local.function_sources
      }
    }
  }

  # S3 denies an object that is missing, as the cursor is before the first run, to those who may not list it.
  dynamic "statement" {
    for_each = local.cursor_parts == null ? [] : [local.cursor_parts]

    content {
      sid       = "MissTheCursor"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${local.partition}:s3:::${statement.value[0]}"]

      condition {
        test     = "StringLike"
        variable = "s3:prefix"
        values   = local.cursor_names
      }

      condition {
        test     = "ArnLike"
        variable = "lambda:SourceFunctionArn"
        values   = local.function_sources
      }
    }
  }

  # Of a bucket, or of an object in it. For a queue, the statement on failed runs allows the same (schedule.tf).
  dynamic "statement" {
    for_each = var.kms_key_arn != null && length(local.used_buckets) > 0 ? [var.kms_key_arn] : []

    content {
      sid       = "EncryptResults"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:EncryptionContext:aws:s3:arn"
        values   = flatten([for bucket in local.used_buckets : [bucket, "${bucket}/*"]])
      }
    }
  }
}
