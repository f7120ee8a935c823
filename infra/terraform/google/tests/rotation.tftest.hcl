# The function that replaces the key.

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

  rotation              = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
  key_delivery          = "file"
  notification_channels = ["projects/my-project-123/notificationChannels/1"]
}

run "with_rotation" {
  # Only the rotator adds and destroys versions.

  assert {
    condition = (
      { for grant in google_secret_manager_secret_iam_member.rotator : "${grant.secret_id} ${grant.role}" => grant.member } == {
        for right in [
          "helseid-fn-key roles/secretmanager.secretAccessor",
          "helseid-fn-key roles/secretmanager.secretVersionManager",
          "helseid-fn-pending roles/secretmanager.secretAccessor",
          "helseid-fn-pending roles/secretmanager.secretVersionManager",
        ] : right => google_service_account.account["rotator"].member
      }
    )
    error_message = "The rotator's roles are not exactly those to read and manage versions of the two secrets."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["rotate"].service_config[0].service_account_email == google_service_account.account["rotator"].email
      && google_cloudfunctions2_function.function["run"].service_config[0].service_account_email == google_service_account.account["run"].email
    )
    error_message = "The two functions do not run as two accounts."
  }

  # The function cannot read the pending key.

  assert {
    condition     = google_secret_manager_secret_iam_member.runtime_reads_key.secret_id == "helseid-fn-key" && google_secret_manager_secret.pending[0].secret_id == "helseid-fn-pending"
    error_message = "The function can read the pending key."
  }

  # The rotator has the function's settings and its own.

  assert {
    condition = (
      { for name, value in google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables : name => value if !contains(["DEADLINE_SECONDS", "HELSEID_KEY"], name) }
      == merge(
        { for name, value in google_cloudfunctions2_function.function["run"].service_config[0].environment_variables : name => value if !contains(["DEADLINE_SECONDS", "HELSEID_KEY"], name) },
        {
          HELSEID_PENDING_KEY         = "projects/my-project-123/secrets/helseid-fn-pending"
          SELVBETJENING_URL           = "https://api.selvbetjening.nhn.no"
          ROTATION_ALG                = "PS256"
          ROTATION_DUE_FRACTION       = "0.67"
          ROTATION_GRACE_HOURS        = "24"
          ROTATION_DESTROY_AFTER_DAYS = "30"
        },
      )
    )
    error_message = "The rotating function's settings are wrong."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables["HELSEID_KEY"] == "projects/my-project-123/secrets/helseid-fn-key/versions/latest"
    error_message = "The rotating function reads the key from a file, which it cannot replace."
  }

  # Rotations never overlap.

  assert {
    condition = (
      google_cloudfunctions2_function.function["rotate"].service_config[0].max_instance_count == 1
      && google_cloudfunctions2_function.function["rotate"].service_config[0].max_instance_request_concurrency == 1
    )
    error_message = "Two rotations can overlap."
  }

  # The rotation's deadlines nest.

  assert {
    condition = (
      tonumber(google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables["DEADLINE_SECONDS"]) >= 120
      && tonumber(google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables["DEADLINE_SECONDS"]) < google_cloudfunctions2_function.function["rotate"].service_config[0].timeout_seconds
      && google_cloudfunctions2_function.function["rotate"].service_config[0].timeout_seconds < tonumber(trimsuffix(google_cloud_scheduler_job.rotate[0].attempt_deadline, "s"))
    )
    error_message = "The rotation's deadlines do not nest, or are too short for a key of 4096 bits and HelseID's 20 s."
  }

  # The rotation's scheduler may call it and nothing else.

  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.rotation_scheduler_calls[0].member == google_service_account.account["rotation_scheduler"].member
      && google_cloud_run_v2_service_iam_member.rotation_scheduler_calls[0].name == google_cloudfunctions2_function.function["rotate"].name
      && google_cloud_run_v2_service_iam_member.scheduler_calls.member != google_service_account.account["rotation_scheduler"].member
      && google_cloud_scheduler_job.rotate[0].http_target[0].oidc_token[0].audience == google_cloudfunctions2_function.function["rotate"].service_config[0].uri
      && google_cloud_scheduler_job.rotate[0].http_target[0].oidc_token[0].service_account_email == google_service_account.account["rotation_scheduler"].email
    )
    error_message = "The rotation is not called by its own account, or that account may call more."
  }

  # A failed rotation is reported.

  assert {
    condition     = google_monitoring_alert_policy.log["rotation"].conditions[0].condition_matched_log[0].filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=\"helseid-fn-rotate\" ((jsonPayload.outcome=\"failed\" jsonPayload.retryable=false) OR severity>=CRITICAL) NOT jsonPayload.code=\"secret_manager.refused.not_found\""
    error_message = "A failed rotation is not reported."
  }

  assert {
    condition     = !strcontains(google_monitoring_alert_policy.log["failure"].conditions[0].condition_matched_log[0].filter, "helseid-fn-rotate")
    error_message = "A failed rotation is reported as a failed call."
  }

  # Every alert goes to every channel.

  assert {
    condition = alltrue([
      for policy in concat(
        values(google_monitoring_alert_policy.log), values(google_monitoring_alert_policy.silence), [google_monitoring_alert_policy.retries],
      ) : length(policy.notification_channels) == 2 && contains(policy.notification_channels, "projects/my-project-123/notificationChannels/1")
    ])
    error_message = "An alert does not go to every channel."
  }

  # The functions themselves may use the key.

  assert {
    condition     = endswith(local.secret_access, "NOT protoPayload.authenticationInfo.principalEmail=(\"${google_service_account.account["rotator"].email}\" OR \"${google_service_account.account["run"].email}\")")
    error_message = "The alert on the key's use is for others than everybody but the two functions."
  }
}
