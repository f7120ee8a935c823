# The policies as AWS would receive them: the real provider computes the documents, and every resource is mocked, so AWS is not
# called.

provider "aws" {
  region                      = "eu-north-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "123456789012", arn = "arn:aws:sts::123456789012:assumed-role/deploy/somebody" }
}

override_resource {
  target = aws_secretsmanager_secret.key
  values = { arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:helseid-fn-key-AbCdEf" }
}

override_resource {
  target = aws_secretsmanager_secret_policy.key
}

override_resource {
  target = aws_lambda_function.function
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn" }
}

override_resource {
  target = aws_lambda_alias.live
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:live" }
}

override_resource {
  target = aws_lambda_function_event_invoke_config.function
}

override_resource {
  target = aws_cloudwatch_log_group.function
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn" }
}

override_resource {
  target = aws_iam_role.function
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn" }
}

override_resource {
  target = aws_iam_role_policy.function
}

override_resource {
  target = aws_lambda_function_url.function
  values = { function_url = "https://mocked.lambda-url.eu-north-1.on.aws/" }
}

override_resource {
  target = aws_lambda_permission.url
}

override_resource {
  target = aws_lambda_permission.url_function
}

override_resource {
  target = aws_scheduler_schedule_group.runs
  values = { arn = "arn:aws:scheduler:eu-north-1:123456789012:schedule-group/helseid-fn" }
}

override_resource {
  target = aws_scheduler_schedule.runs
}

override_resource {
  target = aws_sqs_queue.failed_runs
  values = { arn = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-failed-runs" }
}

override_resource {
  target = aws_s3_bucket.results
  values = { arn = "arn:aws:s3:::helseid-fn-results-123456789012", id = "helseid-fn-results-123456789012" }
}

override_resource {
  target = aws_s3_bucket_public_access_block.results
}

override_resource {
  target = aws_s3_bucket_ownership_controls.results
}

override_resource {
  target = aws_s3_bucket_server_side_encryption_configuration.results
}

override_resource {
  target = aws_s3_bucket_lifecycle_configuration.results
}

override_resource {
  target = aws_s3_bucket_policy.results
}

override_resource {
  target = aws_sqs_queue.results
  values = { arn = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-results" }
}

override_resource {
  target = aws_sqs_queue_policy.results
}

override_resource {
  target = aws_cloudwatch_log_metric_filter.undelivered
}

override_resource {
  target = aws_cloudwatch_metric_alarm.undelivered
}

override_resource {
  target = aws_iam_role.schedule
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-schedule" }
}

override_resource {
  target = aws_iam_role_policy.schedule
}

override_resource {
  target = aws_cloudwatch_event_rule.secret_access
  values = { arn = "arn:aws:events:eu-north-1:123456789012:rule/helseid-fn-secret-access" }
}

override_resource {
  target = aws_cloudwatch_event_target.secret_access
}

override_resource {
  target = aws_sns_topic.alerts
  values = { arn = "arn:aws:sns:eu-north-1:123456789012:helseid-fn-alerts" }
}

override_resource {
  target = aws_sns_topic_policy.alerts
}

override_resource {
  target = aws_sns_topic_subscription.alerts
}

override_resource {
  target = aws_cloudwatch_log_metric_filter.succeeded
}

override_resource {
  target = aws_cloudwatch_log_metric_filter.failed
}

override_resource {
  target = aws_cloudwatch_log_metric_filter.key_expiry
}

override_resource {
  target = aws_cloudwatch_metric_alarm.failed
}

override_resource {
  target = aws_cloudwatch_metric_alarm.silent
}

override_resource {
  target = aws_cloudwatch_metric_alarm.key_expiry
}

override_resource {
  target = aws_cloudwatch_metric_alarm.failed_runs
}

override_resource {
  target = aws_cloudwatch_query_definition.queries
}

override_resource {
  target = aws_cloudwatch_dashboard.overview
}

override_resource {
  target = aws_cloudwatch_metric_alarm.silent_longer
}

override_resource {
  target = aws_lambda_function.watch
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-watch" }
}

override_resource {
  target = aws_cloudwatch_log_group.watch
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn-watch" }
}

override_resource {
  target = aws_scheduler_schedule.watch
}

override_resource {
  target = aws_iam_role.watch
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-watch" }
}

override_resource {
  target = aws_iam_role_policy.watch
}

override_resource {
  target = aws_lambda_function.rotator
  values = { arn = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn-rotate" }
}

override_resource {
  target = aws_secretsmanager_secret_rotation.key
}

override_resource {
  target = aws_lambda_permission.rotator
}

override_resource {
  target = aws_cloudwatch_log_group.rotator
  values = { arn = "arn:aws:logs:eu-north-1:123456789012:log-group:/aws/lambda/helseid-fn-rotate" }
}

override_resource {
  target = aws_iam_role.rotator
  values = { arn = "arn:aws:iam::123456789012:role/helseid-fn-rotate" }
}

override_resource {
  target = aws_iam_role_policy.rotator
}

override_resource {
  target = aws_cloudwatch_log_metric_filter.rotation_failed
}

override_resource {
  target = aws_cloudwatch_metric_alarm.rotation_failed
}

variables {
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  archive           = "tests/archive.txt"
  alert_emails      = ["on-call@example.no"]
}

run "by_default" {
  assert {
    condition = jsondecode(data.aws_iam_policy_document.function.json).Statement == jsondecode(jsonencode([
      { Sid = "HandOverFailedRuns", Effect = "Allow", Action = "sqs:SendMessage", Resource = local.failed_runs_arn },
      {
        Sid       = "ReadTheKey"
        Effect    = "Allow"
        Action    = "secretsmanager:GetSecretValue"
        Resource  = local.secret_arn
        Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } }
      },
      { Sid = "WriteTheLog", Effect = "Allow", Action = ["logs:PutLogEvents", "logs:CreateLogStream"], Resource = "${local.log_group_arn}:*" },
    ]))
    error_message = "The function's own code may read one secret, write one log, send to one queue, and nothing else."
  }

  assert {
    condition     = aws_iam_role_policy.function[0].policy == data.aws_iam_policy_document.function.json && aws_iam_role_policy.function[0].role == aws_iam_role.function[0].id
    error_message = "The function's role must have the function's policy."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.schedule.json).Statement == jsondecode(jsonencode([
      { Sid = "HandOverFailedRuns", Effect = "Allow", Action = "sqs:SendMessage", Resource = local.failed_runs_arn },
      { Sid = "StartTheFunction", Effect = "Allow", Action = "lambda:InvokeFunction", Resource = "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:live" },
    ]))
    error_message = "The schedule may start one function, send to one queue, and nothing else."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.scheduler_assumes.json).Statement == jsondecode(jsonencode([{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "scheduler.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = "123456789012" }
        ArnEquals    = { "aws:SourceArn" = aws_scheduler_schedule_group.runs.arn }
      }
    }]))
    error_message = "Only the scheduler may assume the schedule's role, for schedules of this group in this account."
  }

  assert {
    condition     = aws_iam_role.schedule[0].assume_role_policy == data.aws_iam_policy_document.scheduler_assumes.json && aws_iam_role.function[0].assume_role_policy == data.aws_iam_policy_document.lambda_assumes.json
    error_message = "Each role must be for its own service."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.lambda_assumes.json).Statement == jsondecode(jsonencode([
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } },
    ]))
    error_message = "Only Lambda may assume the function's role."
  }

  assert {
    condition = aws_secretsmanager_secret_policy.key[0].policy == data.aws_iam_policy_document.key.json && jsondecode(data.aws_iam_policy_document.key.json).Statement[0] == jsondecode(jsonencode({
      Sid       = "OnlyTheFunctionReadsTheKey"
      Effect    = "Deny"
      Action    = "secretsmanager:GetSecretValue"
      Resource  = "*"
      Principal = { AWS = "*" }
      Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.function_role_arn } }
    }))
    error_message = "Nobody but the function may read the key."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.key.json).Statement[1] == jsondecode(jsonencode({
      Sid       = "OnlyTheRotationAndAdministratorsAddKeys"
      Effect    = "Deny"
      Action    = ["secretsmanager:UpdateSecretVersionStage", "secretsmanager:PutSecretValue"]
      Resource  = "*"
      Principal = { AWS = "*" }
      Condition = { ArnNotLike = { "aws:PrincipalArn" = [
        "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/deploy", "arn:aws:iam::123456789012:role/*/deploy",
      ] } }
    }))
    error_message = "Without rotation, nobody but the identity that applies this, and root, may add a key."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.key.json).Statement[2] == jsondecode(jsonencode({
      Sid    = "OnlyAdministratorsChangeTheSecret"
      Effect = "Deny"
      Action = [
        "secretsmanager:UpdateSecret", "secretsmanager:StopReplicationToReplica", "secretsmanager:RotateSecret",
        "secretsmanager:RestoreSecret", "secretsmanager:ReplicateSecretToRegions", "secretsmanager:RemoveRegionsFromReplication",
        "secretsmanager:PutResourcePolicy", "secretsmanager:DeleteSecret", "secretsmanager:DeleteResourcePolicy",
        "secretsmanager:CancelRotateSecret",
      ]
      Resource  = "*"
      Principal = { AWS = "*" }
      Condition = { ArnNotLike = { "aws:PrincipalArn" = [
        "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/deploy", "arn:aws:iam::123456789012:role/*/deploy",
      ] } }
    }))
    error_message = "Nobody but the identity that applies this, and root, may change the secret or its policy."
  }

  assert {
    condition = aws_sns_topic_policy.alerts[0].policy == data.aws_iam_policy_document.alerts.json && jsondecode(data.aws_iam_policy_document.alerts.json).Statement == jsondecode(jsonencode([
      {
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = local.alerts_topic_arn
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
      },
      {
        Sid       = "AccessToTheSecret"
        Effect    = "Allow"
        Action    = "sns:Publish"
        Resource  = local.alerts_topic_arn
        Principal = { Service = "events.amazonaws.com" }
        Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.secret_access[0].arn } }
      },
    ]))
    error_message = "Only the alarms of this account, and the rule for the secret, may publish to the topic."
  }
}

run "with_a_rare_schedule" {
  variables {
    schedules = { weekly = { schedule = "rate(7 days)" } }
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.watch[0].json).Statement == jsondecode(jsonencode([
      { Sid = "ReadMetrics", Effect = "Allow", Action = "cloudwatch:GetMetricData", Resource = "*" },
      { Sid = "PutMetrics", Effect = "Allow", Action = "cloudwatch:PutMetricData", Resource = "*", Condition = { StringEquals = { "cloudwatch:namespace" = "helseid-fn" } } },
      { Sid = "WriteTheLog", Effect = "Allow", Action = ["logs:PutLogEvents", "logs:CreateLogStream"], Resource = "${aws_cloudwatch_log_group.watch[0].arn}:*" },
    ])) && aws_iam_role_policy.watch[0].policy == data.aws_iam_policy_document.watch[0].json
    error_message = "The watch may read metrics, put its own, write one log, and nothing else."
  }

  assert {
    condition     = toset(one([for each in jsondecode(data.aws_iam_policy_document.schedule.json).Statement : each.Resource if each.Sid == "StartTheFunction"])) == toset([aws_lambda_function.watch[0].arn, aws_lambda_alias.live.arn])
    error_message = "The schedules may start the function and the watch."
  }
}

run "with_everything" {
  override_data {
    target = data.aws_caller_identity.current
    values = { account_id = "123456789012", arn = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Deploy_0a1b2c3d/somebody@example.no" }
  }

  variables {
    secret_administrators = [
      "arn:aws:iam::123456789012:role/aws-reserved/*/AWSReservedSSO_Dep?oy_*", "arn:aws:iam::123456789012:user/breakglass",
    ]
    rotation    = { selvbetjening_url = "https://api.selvbetjening.test.nhn.no" }
    kms_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
    vpc         = { subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
    xray        = true
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.rotator[0].json).Statement : each if each.Sid == "RotateTheKey"
      ] == jsondecode(jsonencode([{
        Sid    = "RotateTheKey"
        Effect = "Allow"
        Action = [
          "secretsmanager:UpdateSecretVersionStage", "secretsmanager:PutSecretValue", "secretsmanager:GetSecretValue",
          "secretsmanager:DescribeSecret",
        ]
        Resource  = local.secret_arn
        Condition = { ArnEquals = { "lambda:SourceFunctionArn" = aws_lambda_function.rotator[0].arn } }
    }]))
    error_message = "The rotating function's own code may read, add and promote versions of one secret."
  }

  assert {
    condition = alltrue([
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : !can(regex("Put|Update|Create|Tag|Delete|\\*", join(" ", flatten([each.Action]))))
      if strcontains(join(" ", flatten([each.Action])), "secretsmanager")
    ])
    error_message = "The function itself may not change its key."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.function.json, data.aws_iam_policy_document.rotator[0].json] : alltrue([
        for each in jsondecode(document).Statement : each.Resource == var.kms_key_arn && each.Condition == { StringEquals = { "kms:EncryptionContext:SecretARN" = local.secret_arn } }
        if strcontains(join(" ", flatten([each.Action])), "kms:") && each.Sid != "EncryptFailedRuns"
      ]) && strcontains(document, "kms:Decrypt")
    ])
    error_message = "Both functions may use one KMS key, for the one secret."
  }

  assert {
    condition = alltrue([
      for document in [data.aws_iam_policy_document.function.json, data.aws_iam_policy_document.schedule.json] : [
        for each in jsondecode(document).Statement : each if each.Sid == "EncryptFailedRuns"
        ] == jsondecode(jsonencode([{
          Sid       = "EncryptFailedRuns"
          Effect    = "Allow"
          Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
          Resource  = var.kms_key_arn
          Condition = { StringEquals = { "kms:ViaService" = "sqs.eu-north-1.amazonaws.com" } }
      }]))
    ])
    error_message = "The function and the schedule must be able to send to the encrypted queue, and use its key for nothing else."
  }

  assert {
    condition = alltrue(flatten([
      for document in [data.aws_iam_policy_document.function.json, data.aws_iam_policy_document.rotator[0].json] : [
        for each in jsondecode(document).Statement : contains(["AttachToTheNetwork", "NotFromTheCode", "WriteTraces"], each.Sid)
        if each.Resource == "*"
      ]
    ]))
    error_message = "Only the network and tracing, which support no narrower resource, may use *."
  }

  assert {
    condition = one([
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each.Effect == "Deny" && each.Action == "ec2:*" && toset(each.Condition.ArnLike["lambda:SourceFunctionArn"]) == toset([aws_lambda_function.function.arn, "${aws_lambda_function.function.arn}:*", aws_lambda_function.rotator[0].arn])
      if each.Sid == "NotFromTheCode"
    ])
    error_message = "The function's code may not change the network, as Lambda itself may."
  }

  assert {
    condition     = toset(jsondecode(data.aws_iam_policy_document.key.json).Statement[0].Condition.ArnNotEquals["aws:PrincipalArn"]) == toset([local.function_role_arn, local.rotator_role_arn])
    error_message = "Nobody but the two functions may read the key."
  }

  assert {
    condition = toset(jsondecode(data.aws_iam_policy_document.key.json).Statement[1].Condition.ArnNotLike["aws:PrincipalArn"]) == toset([
      "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/aws-reserved/*/AWSReservedSSO_Dep?oy_*",
      "arn:aws:iam::123456789012:user/breakglass", local.rotator_role_arn,
    ])
    error_message = "The rotating function and the administrators must be the only ones who may add a key."
  }

  assert {
    condition = toset(jsondecode(data.aws_iam_policy_document.key.json).Statement[2].Condition.ArnNotLike["aws:PrincipalArn"]) == toset([
      "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:role/aws-reserved/*/AWSReservedSSO_Dep?oy_*",
      "arn:aws:iam::123456789012:user/breakglass",
    ])
    error_message = "The rotating function may not change the secret itself."
  }

  assert {
    condition     = one([for each in jsondecode(data.aws_iam_policy_document.rotator[0].json).Statement : each.Resource if each.Sid == "WriteTheLog"]) == "${aws_cloudwatch_log_group.rotator[0].arn}:*"
    error_message = "The rotating function may write only its own log."
  }
}

run "with_results_in_a_bucket" {
  variables {
    result_to   = "bucket"
    kms_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "StoreResults", Effect = "Allow", Action = "s3:PutObject", Resource = "arn:aws:s3:::helseid-fn-results-123456789012/results/*", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
        {
          Sid       = "MoveTheCursor", Effect = "Allow", Action = ["s3:PutObject", "s3:GetObject"], Resource = ["arn:aws:s3:::helseid-fn-results-123456789012/cursor.json", "arn:aws:s3:::helseid-fn-results-123456789012/cursor-*.json"]
          Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } }
        },
        {
          Sid = "MissTheCursor", Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::helseid-fn-results-123456789012"
          Condition = {
            StringLike = { "s3:prefix" = ["cursor.json", "cursor-*.json"] }
            ArnLike    = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] }
          }
        },
        {
          Sid       = "EncryptResults", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = var.kms_key_arn
          Condition = { StringLike = { "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::helseid-fn-results-123456789012", "arn:aws:s3:::helseid-fn-results-123456789012/*"] } }
        },
    ]))
    error_message = "The function may store results and move its cursors, list nothing else, and use the key for this bucket alone."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.results_bucket[0].json).Statement == jsondecode(jsonencode([{
      Sid       = "OnlyWithTls"
      Effect    = "Deny"
      Action    = "s3:*"
      Resource  = ["arn:aws:s3:::helseid-fn-results-123456789012/*", "arn:aws:s3:::helseid-fn-results-123456789012"]
      Principal = "*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]))
    error_message = "Nobody may use the bucket without TLS."
  }
}

run "with_results_on_a_queue" {
  variables {
    result_to   = "queue"
    kms_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "SendResults", Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-results", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
    ]))
    error_message = "The function may send results to its queue, and nothing else."
  }

  assert {
    condition = jsondecode(data.aws_iam_policy_document.results_queue[0].json).Statement == jsondecode(jsonencode([{
      Sid       = "OnlyWithTls"
      Effect    = "Deny"
      Action    = "sqs:*"
      Resource  = "arn:aws:sqs:eu-north-1:123456789012:helseid-fn-results"
      Principal = "*"
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]))
    error_message = "Nobody may use the queue without TLS."
  }
}

run "with_results_in_an_existing_bucket" {
  variables {
    result_to = "s3://their-bucket/from/us/"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "StoreResults", Effect = "Allow", Action = "s3:PutObject", Resource = "arn:aws:s3:::their-bucket/from/us/*", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
        {
          Sid       = "MoveTheCursor", Effect = "Allow", Action = ["s3:PutObject", "s3:GetObject"], Resource = ["arn:aws:s3:::their-bucket/from/us/cursor.json", "arn:aws:s3:::their-bucket/from/us/cursor-*.json"]
          Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } }
        },
        {
          Sid = "MissTheCursor", Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::their-bucket"
          Condition = {
            StringLike = { "s3:prefix" = ["from/us/cursor.json", "from/us/cursor-*.json"] }
            ArnLike    = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] }
          }
        },
    ]))
    error_message = "The function may write below the prefix, and not above it."
  }
}

run "with_results_in_the_whole_of_a_bucket" {
  variables {
    result_to = "s3://their-bucket"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "StoreResults", Effect = "Allow", Action = "s3:PutObject", Resource = "arn:aws:s3:::their-bucket/*", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
        {
          Sid       = "MoveTheCursor", Effect = "Allow", Action = ["s3:PutObject", "s3:GetObject"], Resource = ["arn:aws:s3:::their-bucket/cursor.json", "arn:aws:s3:::their-bucket/cursor-*.json"]
          Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } }
        },
        {
          Sid = "MissTheCursor", Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::their-bucket"
          Condition = {
            StringLike = { "s3:prefix" = ["cursor.json", "cursor-*.json"] }
            ArnLike    = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] }
          }
        },
    ]))
    error_message = "Without a prefix, the function may write anywhere in the bucket."
  }
}

run "with_a_cursor_elsewhere" {
  variables {
    result_to   = "s3://their-bucket/a"
    cursor_in   = "s3://our.bucket/a.b/cursor"
    kms_key_arn = "arn:aws:kms:eu-north-1:123456789012:key/0a1b"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "StoreResults", Effect = "Allow", Action = "s3:PutObject", Resource = "arn:aws:s3:::their-bucket/a/*", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
        {
          Sid       = "MoveTheCursor", Effect = "Allow", Action = ["s3:PutObject", "s3:GetObject"], Resource = ["arn:aws:s3:::our.bucket/a.b/cursor-*", "arn:aws:s3:::our.bucket/a.b/cursor"]
          Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } }
        },
        {
          Sid = "MissTheCursor", Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:aws:s3:::our.bucket"
          Condition = {
            StringLike = { "s3:prefix" = ["a.b/cursor", "a.b/cursor-*"] }
            ArnLike    = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] }
          }
        },
        {
          Sid       = "EncryptResults", Effect = "Allow", Action = ["kms:GenerateDataKey", "kms:Decrypt"], Resource = var.kms_key_arn
          Condition = { StringLike = { "kms:EncryptionContext:aws:s3:arn" = ["arn:aws:s3:::their-bucket", "arn:aws:s3:::their-bucket/*", "arn:aws:s3:::our.bucket", "arn:aws:s3:::our.bucket/*"] } }
        },
    ]))
    error_message = "The cursor in another bucket must be the function's to move."
  }
}

run "with_results_on_an_existing_queue" {
  variables {
    result_to = "arn:aws:sqs:eu-west-1:210987654321:theirs.fifo"
  }

  assert {
    condition = [
      for each in jsondecode(data.aws_iam_policy_document.function.json).Statement : each
      if contains(["StoreResults", "SendResults", "MoveTheCursor", "MissTheCursor", "EncryptResults"], each.Sid)
      ] == jsondecode(jsonencode([
        { Sid = "SendResults", Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-west-1:210987654321:theirs.fifo", Condition = { ArnLike = { "lambda:SourceFunctionArn" = ["arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn", "arn:aws:lambda:eu-north-1:123456789012:function:helseid-fn:*"] } } },
    ]))
    error_message = "The function may send to the existing queue."
  }
}
