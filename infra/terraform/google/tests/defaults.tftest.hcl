# What is deployed with only the required variables: permissions and settings.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

variables {
  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

run "with_only_the_required_variables" {
  # Only the function's account reads the key.

  assert {
    condition = (
      google_secret_manager_secret_iam_member.runtime_reads_key.role == "roles/secretmanager.secretAccessor"
      && google_secret_manager_secret_iam_member.runtime_reads_key.member == google_service_account.account["run"].member
      && google_secret_manager_secret_iam_member.runtime_reads_key.secret_id == google_secret_manager_secret.key[0].secret_id
    )
    error_message = "The function's account is not the only reader of the only secret."
  }

  assert {
    condition     = length(google_secret_manager_secret_iam_member.rotator) == 0
    error_message = "Without rotation, somebody else has a role on the secret."
  }

  # The function runs as its own account.

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].service_account_email == google_service_account.account["run"].email
    error_message = "The function does not run as its own account."
  }

  # The build runs as its own account, with only its roles.

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].service_account == google_service_account.account["build"].id
    error_message = "The build does not run as its own account."
  }

  assert {
    condition = alltrue([
      for grant in [google_project_iam_member.build_reads_staged_source[0], google_project_iam_member.build_writes_logs[0]] :
      grant.member == google_service_account.account["build"].member
    ])
    error_message = "A role on the whole project is granted to an account other than the build's."
  }

  assert {
    condition = (
      google_project_iam_member.build_writes_logs[0].role == "roles/logging.logWriter"
      && google_project_iam_member.build_reads_staged_source[0].role == "roles/storage.objectViewer"
      && strcontains(google_project_iam_member.build_reads_staged_source[0].condition[0].expression, "buckets/gcf-v2-sources-")
      && google_storage_bucket_iam_member.build_reads_source.role == "roles/storage.objectViewer"
      && google_artifact_registry_repository_iam_member.build_pushes_images.role == "roles/artifactregistry.writer"
    )
    error_message = "The build's account does not have exactly the roles that it needs."
  }

  # Only the scheduler may call.

  assert {
    condition = (
      google_cloud_run_v2_service_iam_member.scheduler_calls.member == google_service_account.account["scheduler"].member
      && google_cloud_run_v2_service_iam_member.scheduler_calls.role == "roles/run.invoker"
      && google_cloud_run_v2_service_iam_member.scheduler_calls.name == google_cloudfunctions2_function.function["run"].name
    )
    error_message = "The scheduler's account may not call the function's service, or may do more."
  }

  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.others_call) == 0
    error_message = "Somebody other than the scheduler may call."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].ingress_settings == "ALLOW_INTERNAL_ONLY"
    error_message = "The function can be reached from the internet by default."
  }

  # The source is not public.

  assert {
    condition     = google_storage_bucket.source[0].public_access_prevention == "enforced" && google_storage_bucket.source[0].uniform_bucket_level_access
    error_message = "The bucket of the source could be made public."
  }

  # The secret is protected from deletion.

  assert {
    condition     = google_secret_manager_secret.key[0].deletion_protection
    error_message = "The secret could be deleted by a careless apply."
  }

  # The settings have their names.

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
    error_message = "The function's settings are not those that were set."
  }

  assert {
    condition     = length(google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes) == 0
    error_message = "The key is mounted although it is read through the API."
  }

  # The entry point is the one for HTTP.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].build_config[0].entry_point == "run"
      && google_cloudfunctions2_function.function["run"].build_config[0].runtime == "python313"
      && keys(google_cloudfunctions2_function.function) == ["run"]
    )
    error_message = "There is a function other than run, or its entry point is wrong."
  }

  # The source is named after its content.

  assert {
    condition     = google_storage_bucket_object.source[0].name == "source-${local.source_hash}.zip" && length(local.source_hash) == 64
    error_message = "The object's name does not contain the hash of its content."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source[0].name
    error_message = "The function is built from another object."
  }

  assert {
    condition     = toset([for source in data.archive_file.source[0].source : source.filename]) == toset(keys(local.contents))
    error_message = "The archive's files are not the files that are hashed."
  }

  assert {
    condition     = alltrue([for file in keys(local.contents) : can(regex("^(main\\.py|requirements\\.txt|helseid_fn/.*\\.py)$", file))])
    error_message = "The archive contains a file that is not the product's."
  }

  # The scheduler's token is for the URL that it calls.

  assert {
    condition = (
      google_cloud_scheduler_job.call["hourly"].http_target[0].oidc_token[0].audience == google_cloud_scheduler_job.call["hourly"].http_target[0].uri
      && google_cloud_scheduler_job.call["hourly"].http_target[0].uri == google_cloudfunctions2_function.function["run"].service_config[0].uri
      && google_cloud_scheduler_job.call["hourly"].http_target[0].oidc_token[0].service_account_email == google_service_account.account["scheduler"].email
    )
    error_message = "The scheduler's token is not for the function's URL, or not of its own account."
  }

  # Deadlines nest.

  assert {
    condition = (
      var.deadline_seconds < google_cloudfunctions2_function.function["run"].service_config[0].timeout_seconds
      && google_cloudfunctions2_function.function["run"].service_config[0].timeout_seconds < tonumber(trimsuffix(google_cloud_scheduler_job.call["hourly"].attempt_deadline, "s"))
    )
    error_message = "Deadlines do not nest: DEADLINE_SECONDS < the function's timeout < attempt_deadline."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].service_config[0].environment_variables["DEADLINE_SECONDS"] == "25"
    error_message = "The function's deadline is not the one that was set."
  }

  # Retries are bounded.

  assert {
    condition = (
      google_cloud_scheduler_job.call["hourly"].retry_config[0].retry_count >= 1
      && google_cloud_scheduler_job.call["hourly"].retry_config[0].retry_count <= 5
      && try(google_cloud_scheduler_job.call["hourly"].retry_config[0].max_retry_duration, null) != "0s"
    )
    error_message = "The scheduler never retries, or retries without a bound."
  }

  # The first apply waits until APIs and rights are in effect.

  assert {
    condition = (
      time_sleep.apis_enabled.create_duration == "60s" && time_sleep.rights_granted.create_duration == "120s"
      && time_sleep.apis_enabled.triggers["apis"] == join(" ", sort(tolist(local.apis)))
    )
    error_message = "The first apply does not wait for APIs and rights."
  }

  # Results go nowhere, and there is no cursor.

  assert {
    condition = (
      length(google_storage_bucket.results) + length(google_pubsub_topic.results) + length(google_pubsub_subscription.results)
      + length(google_storage_bucket_iam_member.runtime_delivers) + length(google_storage_bucket_iam_member.runtime_moves_cursor)
      + length(google_storage_bucket_iam_member.runtime_misses_cursor) + length(google_pubsub_topic_iam_member.runtime_publishes) == 0
      && length(setintersection(keys(google_monitoring_alert_policy.log), ["undelivered", "cursor"])) == 0
      && output.result_to == null && output.cursor_in == null
    )
    error_message = "Something of results exists although they go nowhere."
  }

  # The use of the key by anybody else is reported.

  assert {
    condition     = google_monitoring_alert_policy.log["secret_access"].conditions[0].condition_matched_log[0].filter == "logName=(\"projects/my-project-123/logs/cloudaudit.googleapis.com%2Factivity\" OR \"projects/my-project-123/logs/cloudaudit.googleapis.com%2Fdata_access\") protoPayload.serviceName=\"secretmanager.googleapis.com\" protoPayload.resourceName=~\"^projects/[^/]+/secrets/(helseid-fn-key|helseid-fn-pending)(/|$)\" protoPayload.methodName=~\"[.](AccessSecretVersion|AddSecretVersion|DeleteSecret|DestroySecretVersion|DisableSecretVersion|EnableSecretVersion|SetIamPolicy|UpdateSecret)$\" NOT protoPayload.authenticationInfo.principalEmail=(\"${google_service_account.account["run"].email}\")"
    error_message = "Somebody else reads or writes the key, and nobody is told."
  }

  assert {
    condition     = google_project_iam_audit_config.secret_reads[0].service == "secretmanager.googleapis.com" && one(google_project_iam_audit_config.secret_reads[0].audit_log_config).log_type == "DATA_READ"
    error_message = "Reads of the key are not logged."
  }
}

run "with_a_quote_in_the_invocation" {
  variables {
    ingress   = "ALLOW_ALL"
    schedules = { hourly = { schedule = "0 * * * *", invocation = { request = { query = { name = "d'Or" } } } } }
  }

  # The command sends the scheduled invocation even if it contains a quote.

  assert {
    condition     = strcontains(output.call_by_hand, " -d '{\"request\":{\"query\":{\"name\":\"d'\\''Or\"}}}' ${output.uri}")
    error_message = "A quote in the invocation ends the command's argument."
  }

  # Everybody on a machine can read the arguments of its processes.

  assert {
    condition     = strcontains(output.call_by_hand, "| curl -s -X POST -H @- ") && !can(regex("curl.*token", output.call_by_hand))
    error_message = "The token is an argument."
  }
}
