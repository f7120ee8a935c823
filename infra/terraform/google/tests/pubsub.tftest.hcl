# Pub/Sub messages that call the function.

mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]

  pubsub  = { publishers = ["serviceAccount:journal@my-project-123.iam.gserviceaccount.com"] }
  kms_key = "projects/my-keys-123/locations/europe-north1/keyRings/ring/cryptoKeys/key"
}

run "with_pubsub" {
  # A message calls run_event as a CloudEvent.

  assert {
    condition = (
      google_cloudfunctions2_function.function["events"].build_config[0].entry_point == "run_event"
      && google_cloudfunctions2_function.function["events"].service_config[0].environment_variables["FUNCTION_SIGNATURE_TYPE"] == "cloudevent"
      && !contains(keys(google_cloudfunctions2_function.function["run"].service_config[0].environment_variables), "FUNCTION_SIGNATURE_TYPE")
    )
    error_message = "Messages do not arrive at run_event as CloudEvents."
  }

  # The event function runs as the same account.

  assert {
    condition     = google_cloudfunctions2_function.function["events"].service_config[0].service_account_email == google_service_account.account["run"].email
    error_message = "The event function runs as another account."
  }

  # Pub/Sub's token is for the URL that it calls.

  assert {
    condition = (
      google_pubsub_subscription.events[0].push_config[0].oidc_token[0].audience == google_pubsub_subscription.events[0].push_config[0].push_endpoint
      && google_pubsub_subscription.events[0].push_config[0].push_endpoint == google_cloudfunctions2_function.function["events"].service_config[0].uri
      && google_pubsub_subscription.events[0].push_config[0].oidc_token[0].service_account_email == google_service_account.account["push"].email
      && google_cloud_run_v2_service_iam_member.push_calls[0].member == google_service_account.account["push"].member
      && google_cloud_run_v2_service_iam_member.push_calls[0].name == google_cloudfunctions2_function.function["events"].name
    )
    error_message = "Pub/Sub's token is not for the function's URL, or its account may not call it."
  }

  # Pub/Sub's service agent may make that token and no other.

  assert {
    condition = (
      google_service_account_iam_member.agent_signs_in[0].service_account_id == google_service_account.account["push"].id
      && google_service_account_iam_member.agent_signs_in[0].role == "roles/iam.serviceAccountOpenIdTokenCreator"
      && google_service_account_iam_member.agent_signs_in[0].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    )
    error_message = "Pub/Sub's service agent may not make the token that it pushes with, or may make others."
  }

  # Pub/Sub waits longer than the function may take.

  assert {
    condition     = google_pubsub_subscription.events[0].ack_deadline_seconds > google_cloudfunctions2_function.function["events"].service_config[0].timeout_seconds
    error_message = "Pub/Sub redelivers a message while the function is still processing it."
  }

  # A message that never succeeds goes to the dead-letter topic and is kept.

  assert {
    condition = (
      google_pubsub_subscription.events[0].dead_letter_policy[0].dead_letter_topic == google_pubsub_topic.events["dead-letter"].id
      && google_pubsub_subscription.events[0].dead_letter_policy[0].max_delivery_attempts == 5
      && google_pubsub_subscription.dead_letter[0].topic == google_pubsub_topic.events["dead-letter"].id
    )
    error_message = "A message that never succeeds is lost, or redelivered forever."
  }

  assert {
    condition = (
      google_pubsub_topic_iam_member.agent_gives_up[0].member == "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
      && google_pubsub_subscription_iam_member.agent_acknowledges[0].member == google_pubsub_topic_iam_member.agent_gives_up[0].member
    )
    error_message = "Pub/Sub's service agent may not move messages to the dead-letter topic."
  }

  # Dead-lettered messages are reported.

  assert {
    condition = (
      google_monitoring_alert_policy.dead_letter[0].conditions[0].condition_threshold[0].filter == "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" resource.type=\"pubsub_subscription\" resource.labels.subscription_id=\"helseid-fn-dead-letter\""
      && google_monitoring_alert_policy.dead_letter[0].conditions[0].condition_threshold[0].comparison == "COMPARISON_GT"
      && google_monitoring_alert_policy.dead_letter[0].conditions[0].condition_threshold[0].threshold_value == 0
      && length(google_monitoring_alert_policy.dead_letter[0].notification_channels) == 1
    )
    error_message = "Messages are dead-lettered and nobody is notified."
  }

  # Only the named publishers may publish.

  assert {
    condition     = [for grant in google_pubsub_topic_iam_member.publishers : "${grant.role} ${grant.member}"] == ["roles/pubsub.publisher serviceAccount:journal@my-project-123.iam.gserviceaccount.com"]
    error_message = "The publishers are not the named members."
  }

  # A customer-managed key encrypts the topics too.

  assert {
    condition     = alltrue([for topic in google_pubsub_topic.events : topic.kms_key_name == var.kms_key])
    error_message = "A topic is encrypted with another key."
  }
}
