# The function on Google Cloud, from the bottom up; read the files in this order:
#   main.tf      the APIs it needs
#   build.tf     the source archive, and who builds it
#   secret.tf    the secret for the private key, and who may read it
#   function.tf  the function itself, its account and its settings
#   results.tf   where results go and a job's cursor is kept (only with var.result_to or var.cursor_in)
#   schedule.tf  the schedule that calls it, and who else may call
#   pubsub.tf    messages that call it (only with var.pubsub)
#   rotation.tf  the function that replaces the key (only with var.rotation)
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
  ))
}

resource "google_project_service" "required" {
  for_each = local.apis

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}
