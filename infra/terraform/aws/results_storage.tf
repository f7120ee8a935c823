# What the module makes for results: a bucket with result_to = "bucket", a queue with "queue".

resource "aws_s3_bucket" "results" {
  #checkov:skip=CKV_AWS_18: a trail of data events says who reads results; logs in another bucket would be one more to protect
  #checkov:skip=CKV_AWS_21: a repetition overwrites a result with the same, and old versions would outlive results_days
  #checkov:skip=CKV_AWS_144: results stay in the region, and the API has them still
  #checkov:skip=CKV_AWS_145: a customer-managed key is optional (kms_key_arn), here as for everything else
  #checkov:skip=CKV2_AWS_62: who is told of a new result is for those to configure who use it

  count = local.makes_bucket ? 1 : 0

  bucket        = "${var.name}-results-${local.account}" # the names of all accounts' buckets are one list
  force_destroy = false                                  # results are nowhere else
  tags          = var.tags

  lifecycle {
    ignore_changes = [bucket] # unknown while something that the module depends on changes; it would be replaced
  }
}

resource "aws_s3_bucket_public_access_block" "results" {
  count = local.makes_bucket ? 1 : 0

  bucket                  = aws_s3_bucket.results[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "results" {
  count = local.makes_bucket ? 1 : 0

  bucket = aws_s3_bucket.results[0].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  count = local.makes_bucket ? 1 : 0

  bucket = aws_s3_bucket.results[0].id

  rule {
    bucket_key_enabled = var.kms_key_arn != null # one request to KMS for many objects

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "results" {
  count = local.makes_bucket ? 1 : 0

  bucket = aws_s3_bucket.results[0].id

  rule {
    id     = "delete-old-results"
    status = "Enabled"

    filter {
      prefix = "results/" # not the cursor
    }

    expiration {
      days = var.results_days
    }
  }

  rule {
    id     = "abort-unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "results" {
  count = local.makes_bucket ? 1 : 0

  bucket = aws_s3_bucket.results[0].id
  policy = data.aws_iam_policy_document.results_bucket[0].json

  depends_on = [aws_s3_bucket_public_access_block.results] # S3 takes one change of a bucket at a time
}

data "aws_iam_policy_document" "results_bucket" {
  count = local.makes_bucket ? 1 : 0

  statement {
    sid       = "OnlyWithTls"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.results[0].arn, "${aws_s3_bucket.results[0].arn}/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_sqs_queue" "results" {
  count = local.makes_queue ? 1 : 0

  name                      = "${var.name}-results"
  message_retention_seconds = min(var.results_days, 14) * 86400 # SQS's maximum is 14 days
  max_message_size          = 262144                            # the lowest provider version takes no more
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null # AWS allows one of the two
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "results" {
  count = local.makes_queue ? 1 : 0

  queue_url = aws_sqs_queue.results[0].id
  policy    = data.aws_iam_policy_document.results_queue[0].json
}

data "aws_iam_policy_document" "results_queue" {
  count = local.makes_queue ? 1 : 0

  statement {
    sid       = "OnlyWithTls"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [aws_sqs_queue.results[0].arn]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
