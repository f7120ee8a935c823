# Alerts when anybody but the functions reads or writes the secrets. Writes are always in the audit log; reads only if the project
# logs them, which the first resource turns on.

locals {
  watch_count = var.watch_secret_access ? 1 : 0

  secret_methods = [
    "AccessSecretVersion", "AddSecretVersion", "DeleteSecret", "DestroySecretVersion", "DisableSecretVersion", "EnableSecretVersion",
    "SetIamPolicy", "UpdateSecret",
  ]

  # In an entry the project is its number.
  secret_access = join(" ", [
    "logName=(\"projects/${var.project_id}/logs/cloudaudit.googleapis.com%2Factivity\" OR \"projects/${var.project_id}/logs/cloudaudit.googleapis.com%2Fdata_access\")",
    "protoPayload.serviceName=\"secretmanager.googleapis.com\"",
    "protoPayload.resourceName=~\"^projects/[^/]+/secrets/${var.name}-(key|pending)(/|$)\"",
    "protoPayload.methodName=~\"[.](${join("|", local.secret_methods)})$\"",
    "NOT protoPayload.authenticationInfo.principalEmail=(\"${join("\" OR \"", concat([google_service_account.runtime.email], google_service_account.rotator[*].email))}\")",
  ])
}

# Authoritative for this service in the project, and for no other.
resource "google_project_iam_audit_config" "secret_reads" {
  count = local.watch_count

  project = var.project_id
  service = "secretmanager.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  depends_on = [google_project_service.required]
}

resource "google_monitoring_alert_policy" "secret_access" {
  count = local.watch_count

  project               = var.project_id
  display_name          = "${var.name}: somebody else used the key"
  combiner              = "OR"
  severity              = "ERROR"
  user_labels           = var.labels
  notification_channels = local.channels

  conditions {
    display_name = "an audit log entry of somebody other than the functions"

    condition_matched_log {
      filter = local.secret_access
      label_extractors = {
        who  = "EXTRACT(protoPayload.authenticationInfo.principalEmail)"
        what = "EXTRACT(protoPayload.methodName)"
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "300s"
    }
  }

  documentation {
    subject = "Somebody else used the key of ${var.name}"
    content = "$${log.extracted_label.who} called $${log.extracted_label.what}. If nobody of yours has done that, replace the key as docs/keys-and-rotation.md describes, and find out how it was possible."
  }
}
