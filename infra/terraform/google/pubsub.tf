# With var.pubsub: a topic whose messages call `run_event`. The subscription is our own and not Eventarc's, because only then can
# Terraform set its dead-letter topic; functions-framework converts the pushed messages to CloudEvents.

locals {
  pubsub_count = var.pubsub == null ? 0 : 1

  events_function = merge(local.job, {
    name          = "${var.name}-events"
    entry_point   = "run_event"
    min_instances = 0
    settings      = merge(local.job_settings, { FUNCTION_SIGNATURE_TYPE = "cloudevent" })
  })
}

data "google_project" "this" {
  count = local.pubsub_count

  project_id = var.project_id
}

resource "google_pubsub_topic" "events" {
  #checkov:skip=CKV_GCP_83:A customer-managed key is optional (kms_key), here as for everything else.
  for_each = var.pubsub == null ? toset([]) : toset(["events", "dead-letter"])

  project      = var.project_id
  name         = "${var.name}-${each.key}"
  labels       = var.labels
  kms_key_name = var.kms_key

  message_storage_policy {
    allowed_persistence_regions = [var.region]
  }

  depends_on = [time_sleep.apis_enabled]
}

resource "google_pubsub_topic_iam_member" "publishers" {
  for_each = try(var.pubsub.publishers, toset([]))

  project = var.project_id
  topic   = google_pubsub_topic.events["events"].name
  role    = "roles/pubsub.publisher"
  member  = each.key
}

# Pub/Sub's service agent makes the token for a push, and needs permission for that: ID tokens of this account, and of no other.
resource "google_service_account_iam_member" "agent_signs_in" {
  count = local.pubsub_count

  service_account_id = local.accounts.push.id
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.pubsub_agent

  depends_on = [time_sleep.apis_enabled]
}

resource "google_cloud_run_v2_service_iam_member" "push_calls" {
  count = local.pubsub_count

  project  = var.project_id
  location = var.region
  name     = google_cloudfunctions2_function.function["events"].name
  role     = "roles/run.invoker"
  member   = local.accounts.push.member
}

resource "google_pubsub_subscription" "events" {
  count = local.pubsub_count

  project              = var.project_id
  name                 = "${var.name}-events"
  topic                = google_pubsub_topic.events["events"].id
  labels               = var.labels
  ack_deadline_seconds = local.caller_deadline_seconds["events"]

  push_config {
    push_endpoint = google_cloudfunctions2_function.function["events"].service_config[0].uri

    oidc_token {
      service_account_email = local.accounts.push.email
      audience              = google_cloudfunctions2_function.function["events"].service_config[0].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.events["dead-letter"].id
    max_delivery_attempts = var.pubsub.max_delivery_attempts
  }

  expiration_policy {
    ttl = "" # never
  }

  depends_on = [
    google_cloud_run_v2_service_iam_member.push_calls,
    google_pubsub_topic_iam_member.agent_gives_up,
    google_service_account_iam_member.agent_signs_in,
  ]
}

# A topic itself stores nothing: this subscription keeps dead-lettered messages until somebody has dealt with them.
resource "google_pubsub_subscription" "dead_letter" {
  count = local.pubsub_count

  project                    = var.project_id
  name                       = "${var.name}-dead-letter"
  topic                      = google_pubsub_topic.events["dead-letter"].id
  labels                     = var.labels
  message_retention_duration = "1209600s" # 14 days

  expiration_policy {
    ttl = "" # never
  }
}

# Pub/Sub's service agent moves messages to the dead-letter topic, and needs permission for that.
resource "google_pubsub_topic_iam_member" "agent_gives_up" {
  count = local.pubsub_count

  project = var.project_id
  topic   = google_pubsub_topic.events["dead-letter"].name
  role    = "roles/pubsub.publisher"
  member  = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "agent_acknowledges" {
  count = local.pubsub_count

  project      = var.project_id
  subscription = google_pubsub_subscription.events[0].name
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

locals {
  pubsub_agent = one([for project in data.google_project.this : "serviceAccount:service-${project.number}@gcp-sa-pubsub.iam.gserviceaccount.com"])
}
