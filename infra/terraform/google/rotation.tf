# With var.rotation: a second function replaces the key before it expires. Only it may add and destroy versions. The new key waits
# in a secret that the first function cannot read, until HelseID accepts it.

locals {
  rotation_count = var.rotation == null ? 0 : 1

  # Rotations never overlap: one instance, one call at a time.
  rotate_function = var.rotation == null ? null : merge(local.job, {
    name             = "${var.name}-rotate"
    entry_point      = "rotate"
    account          = local.accounts.rotator.email
    deadline_seconds = 120 # generating a 4096-bit key takes seconds, and HelseID needs 20 s to accept it
    mounts_key       = false
    min_instances    = 0
    max_instances    = 1
    concurrency      = 1
    ingress          = "ALLOW_INTERNAL_ONLY"
    settings = merge(local.settings, {
      HELSEID_PENDING_KEY         = "projects/${var.project_id}/secrets/${one(google_secret_manager_secret.pending[*].secret_id)}"
      SELVBETJENING_URL           = var.rotation.selvbetjening_url
      ROTATION_ALG                = var.rotation.alg
      ROTATION_DUE_FRACTION       = tostring(var.rotation.due_fraction)
      ROTATION_GRACE_HOURS        = tostring(var.rotation.grace_hours)
      ROTATION_DESTROY_AFTER_DAYS = tostring(var.rotation.destroy_after_days)
    })
  })

  # On the two secrets only: read versions, and add, list, disable and destroy them.
  rotator_grants = var.rotation == null ? {} : {
    for pair in setproduct(["key", "pending"], ["secretAccessor", "secretVersionManager"]) : join("-", pair) => {
      secret = { key = local.key_secret, pending = { project = var.project_id, name = one(google_secret_manager_secret.pending[*].secret_id) } }[pair[0]]
      role   = "roles/secretmanager.${pair[1]}"
    }
  }
}

resource "google_secret_manager_secret" "pending" {
  count = local.rotation_count

  project             = var.project_id
  secret_id           = "${var.name}-pending"
  labels              = var.labels
  deletion_protection = var.deletion_protection

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = var.kms_key[*]

          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_secret_manager_secret_iam_member" "rotator" {
  for_each = local.rotator_grants

  project   = each.value.secret.project
  secret_id = each.value.secret.name
  role      = each.value.role
  member    = local.accounts.rotator.member

  depends_on = [time_sleep.apis_enabled]
}

resource "google_cloud_run_v2_service_iam_member" "rotation_scheduler_calls" {
  count = local.rotation_count

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function["rotate"].name
  role     = "roles/run.invoker"
  member   = local.accounts.rotation_scheduler.member
}

resource "google_cloud_scheduler_job" "rotate" {
  count = local.rotation_count

  project          = var.project_id
  region           = local.schedule_region
  name             = "${var.name}-rotate"
  description      = "Calls ${var.name}-rotate, which replaces the key if it is due."
  schedule         = var.rotation.schedule
  time_zone        = var.time_zone
  attempt_deadline = "${local.caller_deadline_seconds["rotate"]}s"

  retry_config {
    retry_count          = 2
    min_backoff_duration = "60s"
    max_backoff_duration = "600s"
    max_doublings        = 3
  }

  http_target {
    uri         = google_cloudfunctions2_function.function["rotate"].service_config[0].uri
    http_method = "POST"

    oidc_token {
      service_account_email = local.accounts.rotation_scheduler.email
      audience              = google_cloudfunctions2_function.function["rotate"].service_config[0].uri
    }
  }

  depends_on = [time_sleep.apis_enabled]
}
