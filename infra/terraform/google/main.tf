# The function in Google Cloud, from the bottom up; read on in this order:
#   main.tf      the APIs it needs
#   build.tf     the source archive, and who builds it
#   secret.tf    where the private key lies, and who may read it
#   function.tf  the function itself, its account and its settings
#   schedule.tf  what calls it, and who may
#   pubsub.tf    messages that call it (only with var.pubsub)
#   rotation.tf  the function that replaces the key (only with var.rotation)
#   alerts.tf    who is told when it fails, falls silent, or its key is about to expire

locals {
  apis = toset(concat(
    ["artifactregistry", "cloudbuild", "cloudfunctions", "cloudresourcemanager", "cloudscheduler", "iam", "logging", "monitoring"],
    ["run", "secretmanager", "storage"],
    var.pubsub == null ? [] : ["pubsub"],
  ))
}

resource "google_project_service" "required" {
  for_each = local.apis

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # others in the project may use it
}
