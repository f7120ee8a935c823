# Where results go, where the cursor is kept, and the job of one's own that makes them. tests/policies has the rights.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  archive           = "tests/archive.txt"
  alert_emails      = ["on-call@example.no"]
  kms_key_arn       = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
}

run "into_a_bucket_of_its_own" {
  variables {
    result_to            = "bucket"
    results_days         = 30
    cursor_unmoved_hours = 48
    rotation             = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  # The function knows both places; the rotating function neither.

  assert {
    condition = {
      for name, value in aws_lambda_function.function.environment[0].variables : name => value
      if contains(["RESULT_TO", "CURSOR_IN"], name)
      } == {
      RESULT_TO = "s3://helseid-fn-results-123456789012/results"
      CURSOR_IN = "s3://helseid-fn-results-123456789012/cursor.json"
    }
    error_message = "The function must deliver into the bucket, and keep its cursor beside the results."
  }

  assert {
    condition     = length(setintersection(["RESULT_TO", "CURSOR_IN"], keys(aws_lambda_function.rotator[0].environment[0].variables))) == 0
    error_message = "The rotating function may not deliver, and must not be told to."
  }

  assert {
    condition     = output.result_to == "s3://helseid-fn-results-123456789012/results" && output.cursor_in == "s3://helseid-fn-results-123456789012/cursor.json"
    error_message = "The outputs must say where results and cursor are."
  }

  # The bucket is private and encrypted.

  assert {
    condition = alltrue([
      for each in [aws_s3_bucket_public_access_block.results[0]] :
      each.bucket == aws_s3_bucket.results[0].id && each.block_public_acls && each.block_public_policy && each.ignore_public_acls && each.restrict_public_buckets
    ])
    error_message = "The results must not be made public."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.results[0].bucket == aws_s3_bucket.results[0].id && aws_s3_bucket_ownership_controls.results[0].rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "Access control lists must have no effect on results."
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.results[0].rule :
      rule.apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms" && rule.apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn
    ]) && aws_s3_bucket_server_side_encryption_configuration.results[0].bucket == aws_s3_bucket.results[0].id
    error_message = "The results must be encrypted with the given key, like everything else."
  }

  assert {
    condition     = !aws_s3_bucket.results[0].force_destroy
    error_message = "Results may not be deleted together with the deployment."
  }

  assert {
    condition     = aws_s3_bucket_policy.results[0].bucket == aws_s3_bucket.results[0].id && aws_s3_bucket_policy.results[0].policy == data.aws_iam_policy_document.results_bucket[0].json
    error_message = "The bucket must have its policy."
  }

  # Results are deleted by age, the cursor never is.

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.results[0].rule : "${rule.status} ${rule.filter[0].prefix} ${rule.expiration[0].days}"
      if length(rule.expiration) > 0
    ] == ["Enabled results/ 30"] && aws_s3_bucket_lifecycle_configuration.results[0].bucket == aws_s3_bucket.results[0].id
    error_message = "Results must be kept for results_days, and the cursor for ever."
  }

  assert {
    condition = [
      for rule in aws_s3_bucket_lifecycle_configuration.results[0].rule : "${rule.status} ${rule.abort_incomplete_multipart_upload[0].days_after_initiation}"
      if length(rule.abort_incomplete_multipart_upload) > 0
    ] == ["Enabled 7"]
    error_message = "What was not uploaded completely must be deleted."
  }

  # What does not arrive is reported, and so is a cursor that stays where it is.

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.undelivered[0].pattern == "{ ($.code = \"delivery.refused.*\" || $.code = \"delivery.invalid_response.*\") && $.code != \"delivery.refused.overtaken\" }"
      && aws_cloudwatch_log_metric_filter.undelivered[0].log_group_name == local.log_group_name
      && aws_cloudwatch_metric_alarm.undelivered[0].metric_name == "Undelivered" && aws_cloudwatch_metric_alarm.undelivered[0].statistic == "Sum"
      && aws_cloudwatch_metric_alarm.undelivered[0].comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.undelivered[0].threshold == 0
    )
    error_message = "One result that was not delivered must raise the alarm."
  }

  assert {
    condition = (
      aws_cloudwatch_log_metric_filter.cursor[0].pattern == "{ $.outcome = \"ok\" && $.cursor_unmoved_hours = * }"
      && aws_cloudwatch_log_metric_filter.cursor[0].metric_transformation[0].value == "$.cursor_unmoved_hours"
      && aws_cloudwatch_log_metric_filter.cursor[0].log_group_name == local.log_group_name
    )
    error_message = "The hours of successful runs must be a metric."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.cursor[0].metric_name == "CursorUnmovedHours" && aws_cloudwatch_metric_alarm.cursor[0].statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.cursor[0].comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.cursor[0].threshold == 48
    )
    error_message = "A cursor that has not moved for more than 48 hours must raise the alarm."
  }

  assert {
    condition = alltrue([
      for alarm in concat(aws_cloudwatch_metric_alarm.undelivered, aws_cloudwatch_metric_alarm.cursor) :
      alarm.alarm_actions == toset([local.alerts_topic_arn]) && alarm.ok_actions == toset([local.alerts_topic_arn])
    ])
    error_message = "The alarms for results must notify when they are raised and when they clear."
  }
}

run "into_a_queue_of_its_own" {
  variables {
    result_to = "queue"
  }

  assert {
    condition     = aws_lambda_function.function.environment[0].variables.RESULT_TO == aws_sqs_queue.results[0].arn && output.cursor_in == null
    error_message = "The function must deliver into the queue, where no cursor is kept."
  }

  assert {
    condition     = aws_sqs_queue.results[0].message_retention_seconds == 1209600 && aws_sqs_queue.results[0].max_message_size == 262144
    error_message = "The queue must keep results, and take large ones, as far as SQS does."
  }

  assert {
    condition     = aws_sqs_queue.results[0].kms_master_key_id == var.kms_key_arn
    error_message = "The results on the queue must be encrypted with the given key."
  }

  assert {
    condition     = aws_sqs_queue_policy.results[0].queue_url == aws_sqs_queue.results[0].id && aws_sqs_queue_policy.results[0].policy == data.aws_iam_policy_document.results_queue[0].json
    error_message = "The queue must have its policy."
  }
}

run "without_a_key_of_ones_own" {
  variables {
    result_to    = "queue"
    results_days = 3
    kms_key_arn  = null
  }

  assert {
    condition     = aws_sqs_queue.results[0].sqs_managed_sse_enabled && aws_sqs_queue.results[0].message_retention_seconds == 259200
    error_message = "The results on the queue must be encrypted with SQS's key, and kept for three days."
  }
}

run "in_a_bucket_without_a_key_of_ones_own" {
  variables {
    result_to   = "bucket"
    kms_key_arn = null
  }

  assert {
    condition = alltrue([
      for rule in aws_s3_bucket_server_side_encryption_configuration.results[0].rule :
      rule.apply_server_side_encryption_by_default[0].sse_algorithm == "AES256" && !rule.bucket_key_enabled
    ])
    error_message = "The results must be encrypted with S3's key."
  }
}

run "into_an_existing_bucket" {
  command = plan

  variables {
    result_to = "s3://their-bucket/from/us/"
  }

  assert {
    condition     = length(aws_s3_bucket.results) == 0 && aws_lambda_function.function.environment[0].variables.RESULT_TO == "s3://their-bucket/from/us/"
    error_message = "The existing bucket must be used."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.function.environment[0].variables), "CURSOR_IN") && output.cursor_in == "s3://their-bucket/from/us/cursor.json"
    error_message = "The cursor must be beside the results, where the function keeps it by default."
  }
}

run "into_an_existing_queue_with_a_cursor_elsewhere" {
  command = plan

  variables {
    result_to = "arn:aws:sqs:eu-north-1:210987654321:theirs.fifo"
    cursor_in = "s3://our.bucket/a.b/cursor"
  }

  assert {
    condition = length(aws_sqs_queue.results) == 0 && {
      for name, value in aws_lambda_function.function.environment[0].variables : name => value
      if contains(["RESULT_TO", "CURSOR_IN"], name)
    } == { RESULT_TO = var.result_to, CURSOR_IN = var.cursor_in }
    error_message = "The existing queue must be used, and the cursor be where it was said to be."
  }
}

run "into_the_log" {
  command = plan

  variables {
    result_to = "log"
  }

  assert {
    condition     = aws_lambda_function.function.environment[0].variables.RESULT_TO == "log" && output.cursor_in == null && length(aws_cloudwatch_metric_alarm.undelivered) == 1
    error_message = "Results must go to the log, and be reported if they do not."
  }
}

run "with_a_job_of_ones_own" {
  command = plan

  variables {
    source_dir = "../../../examples/register-feed"
  }

  assert {
    condition     = local.built_archive == "../../../examples/register-feed/build/lambda-arm64-3.13.zip"
    error_message = "The archive in the folder must be deployed."
  }

  assert {
    condition     = local.build_command == "make lambda-zip ARCH=arm64 RUNTIME=3.13 SOURCE=${abspath("../../../examples/register-feed")}"
    error_message = "The command must build the archive of the folder, from whatever folder it is run in."
  }
}

run "with_a_folder_without_the_entry_point" {
  command = plan

  variables {
    source_dir = "tests/job"
  }

  expect_failures = [aws_lambda_function.function]
}

run "with_a_job_that_cannot_rotate" {
  command = plan

  variables {
    source_dir = "../../../examples/register-feed"
    rotation   = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
  }

  expect_failures = [aws_lambda_function.rotator]
}
