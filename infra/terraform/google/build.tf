# The build: which image comes of the archive, where images are kept, and what the build's account may do.

locals {
  makes_repository = !contains(keys(var.existing), "repository")
  repository = local.makes_repository ? {
    id       = google_artifact_registry_repository.images[0].id
    project  = var.project_id
    location = var.region
    name     = google_artifact_registry_repository.images[0].name
    } : {
    id       = var.existing["repository"]
    project  = split("/", var.existing["repository"])[1]
    location = split("/", var.existing["repository"])[3]
    name     = split("/", var.existing["repository"])[5]
  }

  # The buildpack installs with pip whatever the runtime's default is: pip checks every hash, and knows the folder of wheels.
  # It compiles the sources, but an image has one time for every file, which makes bytecode with times stale. With a date, Python
  # compiles with hashes instead; this one is the image's.
  build_settings = merge(
    { GOOGLE_PYTHON_PACKAGE_MANAGER = "pip", SOURCE_DATE_EPOCH = "315532801" },
    local.from_checkout ? {} : { GOOGLE_VENDOR_PIP_DEPENDENCIES = "wheels" },
  )
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:A customer-managed key is optional (kms_key), here as for everything else.
  count = local.makes_repository ? 1 : 0

  project       = var.project_id
  location      = var.region
  repository_id = var.name
  format        = "DOCKER"
  description   = "The images that Cloud Build builds from the source archive."
  labels        = var.labels
  kms_key_name  = var.kms_key

  cleanup_policies {
    id     = "keep-the-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "delete-what-is-older"
    action = "DELETE"

    condition {
      older_than = "2592000s" # 30 days
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_artifact_registry_repository_iam_member" "build_pushes_images" {
  project    = local.repository.project
  location   = local.repository.location
  repository = local.repository.name
  role       = "roles/artifactregistry.writer"
  member     = local.accounts.build.member

  depends_on = [time_sleep.apis_enabled]
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = local.source_bucket
  role   = "roles/storage.objectViewer"
  member = local.accounts.build.member

  depends_on = [time_sleep.apis_enabled]
}

# Cloud Functions copies the archive into its own bucket, which does not exist before the first deployment.
resource "google_project_iam_member" "build_reads_staged_source" {
  count = var.project_iam ? 1 : 0

  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = local.accounts.build.member

  condition {
    title      = "only what Cloud Functions has staged"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }

  depends_on = [time_sleep.apis_enabled]
}

# Logs belong to the project; this cannot be granted on anything smaller.
resource "google_project_iam_member" "build_writes_logs" {
  count = var.project_iam ? 1 : 0

  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = local.accounts.build.member

  depends_on = [time_sleep.apis_enabled]
}
