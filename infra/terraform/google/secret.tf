# The container of the private key. Its content is added by hand, with the command in the output `add_key`: what Terraform adds
# stands in its plan and its state, and a private key has no place there.
resource "google_secret_manager_secret" "key" {
  project             = var.project_id
  secret_id           = "${var.name}-key"
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

  depends_on = [google_project_service.required]
}

# The one role that the function's account has, on this one secret.
resource "google_secret_manager_secret_iam_member" "runtime_reads_key" {
  project   = var.project_id
  secret_id = google_secret_manager_secret.key.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.runtime.member
}
