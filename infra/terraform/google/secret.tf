# The secret for the private key. The key is added by hand, with the command in the output `add_key`: anything that Terraform adds
# is also in its plan and its state, where a private key must not be.

locals {
  makes_secret = !contains(keys(var.existing), "secret")
  key_secret = {
    project = local.makes_secret ? var.project_id : split("/", var.existing["secret"])[1]
    name    = local.makes_secret ? google_secret_manager_secret.key[0].secret_id : split("/", var.existing["secret"])[3]
  }
}

resource "google_secret_manager_secret" "key" {
  count = local.makes_secret ? 1 : 0

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

  depends_on = [time_sleep.apis_enabled]
}

# The only role of the function's account on a secret, and on this one only.
resource "google_secret_manager_secret_iam_member" "runtime_reads_key" {
  project   = local.key_secret.project
  secret_id = local.key_secret.name
  role      = "roles/secretmanager.secretAccessor"
  member    = local.accounts.run.member

  depends_on = [time_sleep.apis_enabled]
}
