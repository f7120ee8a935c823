# What is deployed with nothing set but what must be: who may do what, and what the function is given.

mock_provider "google" {}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

run "with_nothing_set_but_what_must_be" {
  # The functions account alone reads the key.

  assert {
    condition = (
      google_secret_manager_secret_iam_member.runtime_reads_key.role == "roles/secretmanager.secretAccessor"
      && google_secret_manager_secret_iam_member.runtime_reads_key.member == google_service_account.runtime.member
      && google_secret_manager_secret_iam_member.runtime_reads_key.secret_id == google_secret_manager_secret.key.secret_id
    )
    error_message = "The function's account is not the one reader of the one secret."
  }

  assert {
    condition     = length(google_secret_manager_secret_iam_member.rotator) == 0
    error_message = "Without rotation, somebody else has rights on the secret."
  }

  # The function runs as its own account.

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].service_account_email == google_service_account.runtime.email
    error_message = "The function does not run as its own account."
  }

  # The build runs as its own account with just its roles.

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].service_account == google_service_account.build.id
    error_message = "The build does not run as its own account."
  }

  assert {
    condition = alltrue([
      for grant in [google_project_iam_member.build_reads_staged_source, google_project_iam_member.build_writes_logs] :
      grant.member == google_service_account.build.member
    ])
    error_message = "A right on the whole project goes to another account than the build's."
  }

  assert {
    condition = (
      google_project_iam_member.build_writes_logs.role == "roles/logging.logWriter"
      && google_project_iam_member.build_reads_staged_source.role == "roles/storage.objectViewer"
      && strcontains(google_project_iam_member.build_reads_staged_source.condition[0].expression, "buckets/gcf-v2-sources-")
      && google_storage_bucket_iam_member.build_reads_source.role == "roles/storage.objectViewer"
      && google_artifact_registry_repository_iam_member.build_pushes_images.role == "roles/artifactregistry.writer"
    )
    error_message = "The build's account has other roles than those it needs."
  }

  # The scheduler and nobody else may call.

  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.scheduler_calls.member == google_service_account.scheduler.member
      && google_cloud_run_v2_service_iam_member.scheduler_calls.role == "roles/run.invoker"
      && google_cloud_run_v2_service_iam_member.scheduler_calls.name == google_cloudfunctions2_function.function["run"].name
    )
    error_message = "The scheduler's account may not call the function's service, or may do more."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.others_call) == 0
    error_message = "Others than the scheduler may call."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "The function can be reached from the internet by default."
  }

  # The source is not public.

  assert {
    condition     = google_storage_bucket.source.public_access_prevention == "enforced" && google_storage_bucket.source.uniform_bucket_level_access
    error_message = "The bucket of the source could be made public."
  }

  # The secret is kept from being deleted.

  assert {
    condition     = google_secret_manager_secret.key.deletion_protection
    error_message = "The secret could be deleted by a plan that was not read."
  }

  # The settings arrive under their names.

  assert {
    condition = google_cloudfunctions2_function.function["run"].service_config[0].environment_variables == tomap({
      HELSEID_ISSUER       = "https://helseid-sts.test.nhn.no"
      HELSEID_CLIENT_ID    = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
      HELSEID_SCOPE        = "nhn:test-public-samplecode/client-credentials"
      HELSEID_KEY          = "projects/my-project-123/secrets/helseid-fn-key/versions/latest"
      API_URL              = "https://api.example.no/machine-clients/greetings"
      API_METHODS          = "GET"
      DEADLINE_SECONDS     = "25"
      LOG_LEVEL            = "INFO"
      GOOGLE_CLOUD_PROJECT = "my-project-123"
      LOG_EXECUTION_ID     = "false"
    })
    error_message = "The function's settings are others than those that were set."
  }

  assert {
    condition     = length(google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes) == 0
    error_message = "The key is mounted although it is read through the API."
  }

  # Http calls it by its entry point.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].build_config[0].entry_point == "run"
      && google_cloudfunctions2_function.function["run"].build_config[0].runtime == "python313"
      && keys(google_cloudfunctions2_function.function) == ["run"]
    )
    error_message = "There is another function than run, or it has another entry point."
  }

  # The source is named after its content.

  assert {
    condition     = google_storage_bucket_object.source.name == "source-${local.source_hash}.zip" && length(local.source_hash) == 64
    error_message = "The object's name does not hold the hash of its content."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source.name
    error_message = "The function is built of another object."
  }

  assert {
    condition     = toset([for source in data.archive_file.source.source : source.filename]) == toset(local.source_files)
    error_message = "The archive holds other files than those that are hashed."
  }

  assert {
    condition     = alltrue([for file in local.source_files : can(regex("^(main\\.py|requirements\\.txt|helseid_fn/.*\\.py)$", file))])
    error_message = "The archive holds something that is not the product."
  }

  # The scheduler signs in for the address that it calls.

  assert {
    condition = (
      google_cloud_scheduler_job.call.http_target[0].oidc_token[0].audience == google_cloud_scheduler_job.call.http_target[0].uri
      && google_cloud_scheduler_job.call.http_target[0].uri == google_cloudfunctions2_function.function["run"].service_config[0].uri
      && google_cloud_scheduler_job.call.http_target[0].oidc_token[0].service_account_email == google_service_account.scheduler.email
    )
    error_message = "The scheduler's token is not for the function's address, or not of its own account."
  }

  # Deadlines nest.

  assert {
    condition = (
      var.deadline_seconds < google_cloudfunctions2_function.function["run"].service_config[0].timeout_seconds
      && google_cloudfunctions2_function.function["run"].service_config[0].timeout_seconds < tonumber(trimsuffix(google_cloud_scheduler_job.call.attempt_deadline, "s"))
    )
    error_message = "Deadlines do not nest: DEADLINE_SECONDS < the function's timeout < attempt_deadline."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["DEADLINE_SECONDS"] == "25"
    error_message = "The function has another deadline than was set."
  }

  # Retries are bounded.

  assert {
    condition = (
      google_cloud_scheduler_job.call.retry_config[0].retry_count >= 1
      && google_cloud_scheduler_job.call.retry_config[0].retry_count <= 5
      && try(google_cloud_scheduler_job.call.retry_config[0].max_retry_duration, null) != "0s"
    )
    error_message = "The scheduler tries never again, or without a bound."
  }

  # Failures are told with their code.

  assert {
    condition     = google_monitoring_alert_policy.failure.conditions[0].condition_matched_log[0].filter == "(resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") (jsonPayload.outcome=\"failed\" OR severity>=CRITICAL)) OR (resource.type=\"cloud_scheduler_job\" resource.labels.job_id=\"helseid-fn\" severity>=ERROR)"
    error_message = "A call that failed, or never got through, is not told."
  }

  assert {
    condition     = strcontains(google_monitoring_alert_policy.failure.documentation[0].content, "$${log.extracted_label.code}")
    error_message = "The alert does not say which code the failure has."
  }

  # Silence is told after three hours of an hourly schedule.

  assert {
    condition     = google_monitoring_alert_policy.silence.conditions[0].condition_prometheus_query_language[0].query == "(sum(sum_over_time(logging_googleapis_com:user_helseid_fn_succeeded{monitored_resource=\"cloud_run_revision\",service_name=\"helseid-fn\"}[3h])) or vector(0)) < 1"
    error_message = "Silence is not looked for where successes are counted."
  }

  assert {
    condition = (
      google_logging_metric.calls["succeeded"].name == "helseid_fn_succeeded"
      && google_logging_metric.calls["succeeded"].filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn\") jsonPayload.outcome=\"ok\""
    )
    error_message = "Something else than successes is counted."
  }

  # A dashboard shows what succeeded and failed.

  assert {
    condition = alltrue([
      for part in ["helseid_fn_succeeded", "helseid_fn_failed", "run.googleapis.com/request_latencies", "severity>=WARNING"] :
      strcontains(replace(google_monitoring_dashboard.overview.dashboard_json, "\\u003e", ">"), part)
    ])
    error_message = "The dashboard lacks something."
  }
}

run "with_a_quote_in_the_invocation" {
  variables {
    ingress    = "ALLOW_ALL"
    invocation = { request = { query = { name = "d'Or" } } }
  }

  # What is called by hand is what the schedule sends even where it has a quote.

  assert {
    condition     = strcontains(output.call_by_hand, " -d '{\"request\":{\"query\":{\"name\":\"d'\\''Or\"}}}' ${output.uri}")
    error_message = "A quote in the invocation ends the argument of the command."
  }
}
