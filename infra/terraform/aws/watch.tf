# Notifies when anybody but the functions reads or writes the secret. EventBridge receives what CloudTrail records, so the account
# needs a trail for management events.

resource "aws_cloudwatch_event_rule" "secret_access" {
  count = var.watch_secret_access ? 1 : 0

  name        = "${var.name}-secret-access"
  description = "Somebody other than the functions reads or writes the secret ${local.secret_name}, or tries to."
  state       = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" # in the state ENABLED, nobody is notified of reads
  tags        = var.tags

  event_pattern = jsonencode({
    source        = ["aws.secretsmanager"]
    "detail-type" = ["AWS API Call via CloudTrail"]
    detail = {
      eventSource = ["secretsmanager.amazonaws.com"]
      eventName = [
        "CancelRotateSecret", "DeleteResourcePolicy", "DeleteSecret", "GetSecretValue", "PutResourcePolicy", "PutSecretValue",
        "RemoveRegionsFromReplication", "ReplicateSecretToRegions", "RestoreSecret", "RotateSecret", "StopReplicationToReplica",
        "UpdateSecret", "UpdateSecretVersionStage",
      ]
      # Recorded as the caller named it: by ARN, by ARN without its random end, or by name.
      requestParameters = { secretId = [
        local.secret_arn,
        "arn:${local.partition}:secretsmanager:${local.region}:${local.account}:secret:${local.secret_name}",
        local.secret_name,
      ] }
      # A session of another role, or a caller without a role, such as a user or root.
      "$or" = [
        for issuer in [{ "anything-but" = local.key_readers }, { exists = false }] :
        { userIdentity = { sessionContext = { sessionIssuer = { arn = [issuer] } } } }
      ]
    }
  })
}

resource "aws_cloudwatch_event_target" "secret_access" {
  count = var.watch_secret_access ? 1 : 0

  rule = aws_cloudwatch_event_rule.secret_access[0].name
  arn  = local.alerts_topic_arn

  input_transformer {
    input_paths = {
      who  = "$.detail.userIdentity.arn"
      what = "$.detail.eventName"
      from = "$.detail.sourceIPAddress"
      when = "$.time"
    }
    input_template = "\"<who> called <what> on the key of ${local.function_name}, from <from> at <when>. If nobody of yours has done that, replace the key, and find out how it was possible: ${local.runbook}#somebody-used-the-secret\""
  }

  depends_on = [aws_sns_topic_policy.alerts]
}
