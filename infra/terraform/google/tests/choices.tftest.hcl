# What is deployed with every option changed.

mock_provider "google" {}
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

  additional_invokers    = ["group:integration@example.no"]
  key_delivery           = "file"
  kms_key                = "projects/my-keys-123/locations/europe-north1/keyRings/ring/cryptoKeys/key"
  vpc                    = { connector = "projects/my-project-123/locations/europe-north1/connectors/egress", egress = "ALL_TRAFFIC" }
  ingress                = "ALLOW_ALL"
  deadline_seconds       = 1780
  schedules              = { nightly = { schedule = "0 6 * * *", invocation = { organization = { parent = "999977774" } }, enabled = false } }
  notification_channels  = ["projects/my-project-123/notificationChannels/1"]
  key_expiry_alert_days  = 30
  watch_secret_access    = false
  organizations          = ["999977774", "313745392:999977776"]
  token_endpoint_host    = "helseid-token.example.no:8443"
  api_caller_headers     = ["nhn-*", "accept"]
  api_headers            = { api-version = "3" }
  api_correlation_header = "nhn-event-id"
  api_max_megabytes      = 5
  extra_environment      = { HER_ID = "8141253" }
}

run "with_every_option_changed" {
  command = plan

  # Named members may call if configured.

  assert {
    condition     = [for grant in google_cloud_run_v2_service_iam_member.others_call : grant.member] == ["group:integration@example.no"]
    error_message = "The callers are not the named members."
  }

  # The key can be a file that follows the latest version.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["HELSEID_KEY"]
      == "file:${google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].mount_path}/${google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].versions[0].path}"
    )
    error_message = "HELSEID_KEY is not the mounted file."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].secret == google_secret_manager_secret.key[0].secret_id
      && google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].versions[0].version == "latest"
    )
    error_message = "The mounted secret is not the latest version of the key."
  }

  # A customer-managed key encrypts everything that is stored.

  assert {
    condition = alltrue([
      for key in concat(
        [google_storage_bucket.source[0].encryption[0].default_kms_key_name, google_artifact_registry_repository.images[0].kms_key_name],
        [google_secret_manager_secret.key[0].replication[0].user_managed[0].replicas[0].customer_managed_encryption[0].kms_key_name],
        values(google_cloudfunctions2_function.function)[*].kms_key_name,
      ) : key == var.kms_key
    ])
    error_message = "Something is encrypted with another key."
  }

  # The network is the configured one.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].service_config[0].vpc_connector == var.vpc.connector
      && google_cloudfunctions2_function.function["run"].service_config[0].vpc_connector_egress_settings == "ALL_TRAFFIC"
      && google_cloudfunctions2_function.function["run"].service_config[0].ingress_settings == "ALLOW_ALL"
    )
    error_message = "The function is in another network than configured."
  }

  # The longest deadline is within the scheduler's limit.

  assert {
    condition     = google_cloud_scheduler_job.call["nightly"].attempt_deadline == "1800s"
    error_message = "The scheduler's deadline is beyond its limit."
  }

  # The schedule sends the invocation as JSON.

  assert {
    condition = (
      base64decode(google_cloud_scheduler_job.call["nightly"].http_target[0].body) == "{\"organization\":{\"parent\":\"999977774\"}}"
      && google_cloud_scheduler_job.call["nightly"].http_target[0].headers["Content-Type"] == "application/json"
      && google_cloud_scheduler_job.call["nightly"].http_target[0].http_method == "POST"
    )
    error_message = "The schedule does not send the invocation."
  }

  # A paused schedule turns off the silence alert.

  assert {
    condition     = google_cloud_scheduler_job.call["nightly"].paused && length(google_monitoring_alert_policy.silence) == 0
    error_message = "The schedule is not paused, or the silence alert is on although it is."
  }

  # The key's expiry is reported in time.

  assert {
    condition     = endswith(google_monitoring_alert_policy.log["key_expiry"].conditions[0].condition_matched_log[0].filter, " jsonPayload.key_expires_in_days<30")
    error_message = "The key's expiry is reported too late or never."
  }

  assert {
    condition     = google_monitoring_alert_policy.log["key_undated"].conditions[0].condition_matched_log[0].filter == "${local.all_logs} jsonPayload.key_expires_unknown=true"
    error_message = "A key whose expiry nothing says is not reported."
  }

  # What callers may do is set.

  assert {
    condition = {
      for name, value in google_cloudfunctions2_function.function["run"].service_config[0].environment_variables : name => value
      if contains(["HELSEID_ORGANIZATIONS", "TOKEN_ENDPOINT_HOST", "API_CALLER_HEADERS", "API_MAX_MEGABYTES", "API_HEADERS", "API_CORRELATION_HEADER", "HER_ID"], name)
      } == {
      HELSEID_ORGANIZATIONS  = "313745392:999977776 999977774"
      TOKEN_ENDPOINT_HOST    = "helseid-token.example.no:8443"
      API_CALLER_HEADERS     = "accept nhn-*"
      API_MAX_MEGABYTES      = "5"
      API_HEADERS            = "{\"api-version\":\"3\"}"
      API_CORRELATION_HEADER = "nhn-event-id"
      HER_ID                 = "8141253"
    }
    error_message = "A setting of what callers may do, or of the job, is missing."
  }

  # Nobody is alerted to the use of the key unless configured.

  assert {
    condition     = !contains(keys(google_monitoring_alert_policy.log), "secret_access") && length(google_project_iam_audit_config.secret_reads) == 0
    error_message = "The project logs reads although nobody is alerted to them."
  }
}
