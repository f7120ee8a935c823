# The archive contains the product's files, selected by name or pattern, and nothing else; with var.source_dir, that folder's
# Python files take the place of main.py, and its requirements are added. Its name contains the hash of the files: a change of
# code makes a new object, which is deployed; a touched file, another machine or another version of zip does not.

locals {
  source_root  = "${path.module}/../../.."
  command_line = concat(["helseid_fn/__main__.py", "helseid_fn/testing.py"], tolist(fileset(local.source_root, "helseid_fn/cli/**/*.py")))
  modules      = setsubtract(fileset(local.source_root, "helseid_fn/**/*.py"), local.command_line)
  job_root     = var.source_dir == null ? local.source_root : var.source_dir
  job_files    = var.source_dir == null ? ["main.py"] : [for file in fileset(local.job_root, "*.py") : file if !can(regex("^(test_.*|conftest)[.]py$", file))]

  own_requirements = var.source_dir == null ? "" : try(file("${local.job_root}/requirements.txt"), "")

  contents = merge(
    { for file in concat(["requirements.txt"], tolist(local.modules)) : file => file("${local.source_root}/${file}") },
    { for file in local.job_files : file => file("${local.job_root}/${file}") },
    local.own_requirements == "" ? {} : { "requirements.txt" = "${file("${local.source_root}/requirements.txt")}\n${local.own_requirements}" },
  )
  source_files = keys(local.contents)
  source_hash  = sha256(jsonencode({ for file, content in local.contents : file => sha256(content) }))
}

data "archive_file" "source" {
  type        = "zip"
  output_path = "${path.module}/build/source.zip"

  dynamic "source" {
    for_each = local.contents

    content {
      filename = source.key
      content  = source.value
    }
  }
}

resource "google_storage_bucket" "source" {
  #checkov:skip=CKV_GCP_62:There is no need to log who reads the source code, which is public.
  #checkov:skip=CKV_GCP_78:An object's name contains the hash of its content, so no object ever changes.
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-source"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true # its content can be rebuilt

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  depends_on = [google_project_service.required]
}

resource "google_storage_bucket_object" "source" {
  bucket = google_storage_bucket.source.name
  name   = "source-${local.source_hash}.zip"
  source = data.archive_file.source.output_path
}

resource "google_artifact_registry_repository" "images" {
  #checkov:skip=CKV_GCP_84:A customer-managed key is optional (kms_key), here as for everything else.
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

  depends_on = [google_project_service.required]
}

# The build runs as its own account: Compute Engine's default account may not build in projects created since mid-2024, and has
# far too many permissions in older ones.
resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "${var.name}-build"
  display_name = "Builds ${var.name}"

  depends_on = [google_project_service.required]
}

resource "google_artifact_registry_repository_iam_member" "build_pushes_images" {
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_storage_bucket_iam_member" "build_reads_source" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

# Cloud Functions copies the archive into its own bucket, which does not exist before the first deployment.
resource "google_project_iam_member" "build_reads_staged_source" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = google_service_account.build.member

  condition {
    title      = "only what Cloud Functions has staged"
    expression = "resource.name.startsWith(\"projects/_/buckets/gcf-v2-sources-\")"
  }
}

# Logs belong to the project; this cannot be granted on anything smaller.
resource "google_project_iam_member" "build_writes_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}
