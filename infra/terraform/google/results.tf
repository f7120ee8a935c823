# With var.result_to or var.cursor_in: where results go, where a job's cursor is kept, and what the function may do there.

locals {
  makes_bucket = var.result_to == "bucket"
  makes_topic  = var.result_to == "topic"

  # The settings RESULT_TO and CURSOR_IN; without the latter, the function keeps the cursor beside results in a bucket. In the
  # module's own bucket it is not among the results, which are deleted by age: a job without its cursor starts from the beginning.
  result_to = (
    local.makes_bucket ? "gs://${one(google_storage_bucket.results[*].name)}/results" :
    local.makes_topic ? "projects/${var.project_id}/topics/${one(google_pubsub_topic.results[*].name)}" :
    var.result_to
  )
  cursor_setting = var.cursor_in == null && local.makes_bucket ? "gs://${one(google_storage_bucket.results[*].name)}/cursor.json" : var.cursor_in
  cursor_in      = local.cursor_setting == null && local.results_bucket != null ? "${local.results_bucket.folder}cursor.json" : local.cursor_setting

  # The names of objects for IAM. Another organization's cursor has its numbers before the last dot.
  results_parts = try(regex("^gs://([^/]+)/*(.*[^/])?/*$", local.result_to), null)
  results_bucket = local.results_parts == null ? null : {
    name    = local.results_parts[0]
    folder  = join("", ["gs://${local.results_parts[0]}/", local.results_parts[1] == null ? "" : "${local.results_parts[1]}/"])
    objects = join("", ["projects/_/buckets/${local.results_parts[0]}/objects/", local.results_parts[1] == null ? "" : "${local.results_parts[1]}/"])
  }
  cursor_parts  = try(regex("^gs://([^/]+)/(.*[^/])([.][^./]*)$", local.cursor_in), concat(regex("^gs://([^/]+)/(.+)$", local.cursor_in), [""]), null)
  cursor_object = local.cursor_parts == null ? null : "projects/_/buckets/${local.cursor_parts[0]}/objects/${local.cursor_parts[1]}"
  results_topic = try(regex("^projects/([^/]+)/topics/([^/]+)$", local.result_to), null)
}

resource "google_storage_bucket" "results" {
  #checkov:skip=CKV_GCP_62:The audit log of Cloud Storage says who reads results; logs of usage in another bucket would only repeat it.
  #checkov:skip=CKV_GCP_78:A repetition overwrites a result with the same, and old versions would outlive results_days.
  count = local.makes_bucket ? 1 : 0

  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-results"
  location                    = var.region
  labels                      = var.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false # results are nowhere else

  dynamic "encryption" {
    for_each = var.kms_key[*]

    content {
      default_kms_key_name = encryption.value
    }
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }

    condition {
      age            = var.results_days
      matches_prefix = ["results/"] # not the cursor
    }
  }

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

# Cloud Storage lets the viewers of a project read every new bucket of it. They may still list names.
resource "google_storage_bucket_iam_binding" "viewers_read_no_results" {
  count = local.makes_bucket ? 1 : 0

  bucket  = google_storage_bucket.results[0].name
  role    = "roles/storage.legacyObjectReader"
  members = [] # nobody, instead of projectViewer
}

resource "google_pubsub_topic" "results" {
  #checkov:skip=CKV_GCP_83:A customer-managed key is optional (kms_key), here as for everything else.
  count = local.makes_topic ? 1 : 0

  project      = var.project_id
  name         = "${var.name}-results"
  labels       = var.labels
  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [time_sleep.apis_enabled]
}

# A topic itself stores nothing: this subscription keeps the results until somebody has taken them.
resource "google_pubsub_subscription" "results" {
  count = local.makes_topic ? 1 : 0

  project                    = var.project_id
  name                       = "${var.name}-results"
  topic                      = google_pubsub_topic.results[0].id
  labels                     = var.labels
  message_retention_duration = "${min(var.results_days, 31) * 86400}s" # Pub/Sub's maximum is 31 days

  expiration_policy {
    ttl = "" # never
  }
}

# To overwrite an object is to delete the old one, and the checksum of a streamed one is added to it afterwards. There is no
# narrower role of Google's for that, and a role of this project's own would not apply to another project's bucket.
resource "google_storage_bucket_iam_member" "runtime_delivers" {
  count = local.results_bucket == null ? 0 : 1

  bucket = local.results_bucket.name
  role   = "roles/storage.objectUser"
  member = local.accounts.run.member

  condition {
    title      = "only results of ${var.name}"
    expression = "resource.name.startsWith(\"${local.results_bucket.objects}\")"
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_storage_bucket_iam_member" "runtime_moves_cursor" {
  count = local.cursor_parts == null ? 0 : 1

  bucket = local.cursor_parts[0]
  role   = "roles/storage.objectUser"
  member = local.accounts.run.member

  condition {
    title      = "only cursors of ${var.name}"
    expression = "resource.name == \"${local.cursor_object}${local.cursor_parts[2]}\" || (resource.name.startsWith(\"${local.cursor_object}-\") && resource.name.endsWith(\"${local.cursor_parts[2]}\"))"
  }

  depends_on = [time_sleep.apis_enabled]
}

# Names only: who may not list the objects of a bucket may be refused one that is missing, as the cursor is before the first run.
resource "google_storage_bucket_iam_member" "runtime_misses_cursor" {
  count = local.cursor_parts == null ? 0 : 1

  bucket = local.cursor_parts[0]
  role   = "roles/storage.legacyBucketReader"
  member = local.accounts.run.member

  depends_on = [time_sleep.apis_enabled]
}

resource "google_pubsub_topic_iam_member" "runtime_publishes" {
  count = local.results_topic == null ? 0 : 1

  project = local.results_topic[0]
  topic   = local.makes_topic ? google_pubsub_topic.results[0].name : local.results_topic[1]
  role    = "roles/pubsub.publisher"
  member  = local.accounts.run.member
}
