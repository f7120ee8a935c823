# With var.log_retention_days, or an existing log bucket: the functions' lines are kept there and not in the project's _Default
# bucket, which is in no region. A sink copies them; only the exclusion keeps them out of _Default.

locals {
  makes_log_bucket = var.log_retention_days != null
  keeps_logs       = local.makes_log_bucket || contains(keys(var.existing), "log_bucket")
  log_bucket       = local.makes_log_bucket ? one(google_logging_project_bucket_config.functions[*].id) : lookup(var.existing, "log_bucket", null)
  log_parts        = local.keeps_logs ? split("/", local.makes_log_bucket ? "projects/${var.project_id}/locations/${var.region}/buckets/${var.name}" : var.existing["log_bucket"]) : null

  # Where lines are read: the scope of a dashboard, and the options of gcloud.
  log_scope = local.keeps_logs ? "${join("/", local.log_parts)}/views/_AllLogs" : "projects/${var.project_id}"
  log_place = (
    local.keeps_logs
    ? "--project=${local.log_parts[1]} --location=${local.log_parts[3]} --bucket=${local.log_parts[5]} --view=_AllLogs"
    : "--project=${var.project_id}"
  )
}

resource "google_logging_project_bucket_config" "functions" {
  count = local.makes_log_bucket ? 1 : 0

  project        = var.project_id
  location       = var.region
  bucket_id      = var.name
  description    = "The log of ${var.name}."
  retention_days = var.log_retention_days

  dynamic "cmek_settings" {
    for_each = var.kms_key[*]

    content {
      kms_key_name = cmek_settings.value
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_logging_project_sink" "functions" {
  count = local.keeps_logs ? 1 : 0

  project                = var.project_id
  name                   = var.name
  description            = "Keeps the log of ${var.name}."
  destination            = "logging.googleapis.com/${local.log_bucket}"
  filter                 = local.all_logs
  unique_writer_identity = true

  depends_on = [time_sleep.apis_enabled]
}

# A sink may write into its own project's buckets without a grant.
resource "google_project_iam_member" "sink_writes" {
  count = try(local.log_parts[1], var.project_id) != var.project_id && var.project_iam ? 1 : 0

  project = local.log_parts[1]
  role    = "roles/logging.bucketWriter"
  member  = google_logging_project_sink.functions[0].writer_identity

  condition {
    title      = "only the bucket of the log of ${var.name}"
    expression = "resource.name == \"${var.existing["log_bucket"]}\""
  }
}

resource "google_logging_project_exclusion" "functions" {
  count = local.keeps_logs ? 1 : 0

  project     = var.project_id
  name        = var.name
  description = "The log of ${var.name} is in ${google_logging_project_sink.functions[0].destination}."
  filter      = local.all_logs
}
