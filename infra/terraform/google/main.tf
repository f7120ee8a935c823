# The function on Google Cloud, from the bottom up; read the files in this order:
#   main.tf      the APIs it needs, and the region of the schedules
#   accounts.tf  the accounts of its tasks
#   source.tf    the source archive
#   build.tf     the build: where its images are kept, and what its account may do
#   secret.tf    the secret for the private key, and who may read it
#   network.tf   how it reaches others (only with var.vpc)
#   function.tf  the function itself and its settings
#   results.tf   where results go and a job's cursor is kept (only with var.result_to or var.cursor_in)
#   schedule.tf  the schedule that calls it, and who else may call
#   pubsub.tf    messages that call it (only with var.pubsub)
#   rotation.tf  the function that replaces the key (only with var.rotation)
#   logs.tf      a log bucket of its own (only with var.log_retention_days or an existing one)
#   metrics.tf   what is counted and measured in the log
#   alerts.tf    alerts for failures, for results that do not arrive, and for a key that expires soon
#   watch.tf     what the alert on anybody else who uses the key looks for
#   gap.tf       how long each schedule pauses at most
#   silence.tf   the alert for a schedule without a success
#   dashboard.tf the dashboard and the saved queries

locals {
  apis = toset(concat(
    ["artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam", "logging", "monitoring"],
    ["run", "secretmanager", "storage"],
    var.pubsub == null && !local.makes_topic ? [] : ["pubsub"],
    length(var.dns_forwarding) == 0 ? [] : ["dns"],
  ))

  # Cloud Scheduler is in fewer regions than everything else.
  scheduler_regions = ["europe-central2", "europe-west1", "europe-west3", "europe-west4", "europe-west12"]
  schedule_region   = coalesce(var.schedule_region, contains(local.scheduler_regions, var.region) ? var.region : "europe-west1")
}

resource "google_project_service" "required" {
  for_each = var.enable_apis ? local.apis : toset([])

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}

# An API takes some time after it was enabled; more of them are waited for when they are added.
resource "time_sleep" "apis_enabled" {
  create_duration = var.enable_apis ? "60s" : "0s"
  triggers        = { apis = join(" ", sort(keys(google_project_service.required))) }

  depends_on = [google_project_service.required]
}
