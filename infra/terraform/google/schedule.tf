# The schedules that call the function, and who may call it: the scheduler's account, and the members of var.additional_invokers.

locals {
  schedules = { for key, each in var.schedules : key => {
    schedule   = each.schedule
    invocation = jsonencode(try(each.invocation, {}))
    enabled    = tobool(try(each.enabled, true))
    job        = "${var.name}-${key}"
  } }

  # A failed attempt is repeated twice. Cloud Scheduler has no jitter: it starts a job within the minute of its expression.
  scheduler_tries = 3
}

resource "google_cloud_scheduler_job" "call" {
  for_each = local.schedules

  project          = var.project_id
  region           = local.schedule_region
  name             = each.value.job
  description      = "Calls ${var.name}."
  schedule         = each.value.schedule
  time_zone        = var.time_zone
  paused           = !each.value.enabled
  attempt_deadline = "${local.caller_deadline_seconds["run"]}s"

  # max_retry_duration is unset, because if it were set, both limits would have to be reached.
  retry_config {
    retry_count          = local.scheduler_tries - 1
    min_backoff_duration = "30s"
    max_backoff_duration = "300s"
    max_doublings        = 3
  }

  http_target {
    uri         = google_cloudfunctions2_function.function["run"].service_config[0].uri
    http_method = "POST"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(each.value.invocation)

    oidc_token {
      service_account_email = local.accounts.scheduler.email
      audience              = google_cloudfunctions2_function.function["run"].service_config[0].uri
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

# A 2nd gen function is a Cloud Run service: permission to call it is granted there, not on the function.
resource "google_cloud_run_v2_service_iam_member" "scheduler_calls" {
  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function["run"].name
  role     = "roles/run.invoker"
  member   = local.accounts.scheduler.member
}

resource "google_cloud_run_v2_service_iam_member" "others_call" {
  for_each = var.additional_invokers

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function["run"].name
  role     = "roles/run.invoker"
  member   = each.key
}
