# What the alert on the use of the key looks for (alerts.tf): anybody but the functions reads or writes the secrets. Writes are always
# in the audit log; reads only if the project logs them, which the resource here turns on.

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
    "protoPayload.resourceName=~\"^projects/[^/]+/secrets/(${local.key_secret.name}|${var.name}-pending)(/|$)\"",
    "protoPayload.methodName=~\"[.](${join("|", local.secret_methods)})$\"",
    "NOT protoPayload.authenticationInfo.principalEmail=(\"${join("\" OR \"", [for task, email in local.emails : email if contains(["run", "rotator"], task)])}\")",
  ])
}

# Authoritative for this service in the project, and for no other.
resource "google_project_iam_audit_config" "secret_reads" {
  count = var.project_iam ? local.watch_count : 0

  project = var.project_id
  service = "secretmanager.googleapis.com"

  audit_log_config {
    log_type = "DATA_READ"
  }

  depends_on = [time_sleep.apis_enabled]
}
