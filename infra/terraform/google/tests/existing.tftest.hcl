# Parts that exist already are used; others are still made.

mock_provider "time" {}
mock_provider "google" {
  mock_data "google_project" {
    defaults = { number = "123456789012" }
  }
}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]

  pubsub   = {}
  rotation = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
}

run "with_everything_that_may_exist" {
  command = plan

  variables {
    key_delivery = "file"
    kms_key      = "projects/my-keys-123/locations/europe-north1/keyRings/ring/cryptoKeys/key"
    existing = {
      secret                     = "projects/my-secrets-123/secrets/our-key"
      source_bucket              = "our-sources"
      repository                 = "projects/my-images-123/locations/europe-west1/repositories/ours"
      worker_pool                = "projects/my-builds-123/locations/europe-north1/workerPools/ours"
      log_bucket                 = "projects/my-logs-123/locations/europe-north1/buckets/ours"
      build_account              = "builds@my-accounts-123.iam.gserviceaccount.com"
      run_account                = "runs@my-accounts-123.iam.gserviceaccount.com"
      scheduler_account          = "calls@my-accounts-123.iam.gserviceaccount.com"
      push_account               = "pushes@my-accounts-123.iam.gserviceaccount.com"
      rotator_account            = "rotates@my-accounts-123.iam.gserviceaccount.com"
      rotation_scheduler_account = "turns@my-accounts-123.iam.gserviceaccount.com"
    }
  }

  assert {
    condition = (
      length(google_secret_manager_secret.key) + length(google_storage_bucket.source) + length(google_artifact_registry_repository.images)
      + length(google_logging_project_bucket_config.functions) + length(google_service_account.account) == 0
    )
    error_message = "Something is made although it exists."
  }

  # The existing secret is read by the existing account, and rotated by the other.

  assert {
    condition = (
      google_secret_manager_secret_iam_member.runtime_reads_key.project == "my-secrets-123"
      && google_secret_manager_secret_iam_member.runtime_reads_key.secret_id == "our-key"
      && google_secret_manager_secret_iam_member.runtime_reads_key.member == "serviceAccount:runs@my-accounts-123.iam.gserviceaccount.com"
    )
    error_message = "The existing account may not read the existing secret."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["rotate"].service_config[0].environment_variables["HELSEID_KEY"] == "projects/my-secrets-123/secrets/our-key/versions/latest"
      && google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].project_id == "my-secrets-123"
      && google_cloudfunctions2_function.function["run"].service_config[0].secret_volumes[0].secret == "our-key"
      && strcontains(output.add_key, " our-key --project=my-secrets-123 ")
      && output.secret_id == "projects/my-secrets-123/secrets/our-key"
    )
    error_message = "The functions, or the commands, use another secret."
  }

  assert {
    condition = alltrue([
      for right, grant in google_secret_manager_secret_iam_member.rotator :
      grant.member == "serviceAccount:rotates@my-accounts-123.iam.gserviceaccount.com" && "${grant.project}/${grant.secret_id}" == (startswith(right, "key-") ? "my-secrets-123/our-key" : "my-project-123/helseid-fn-pending")
    ])
    error_message = "The existing account may not rotate the existing secret."
  }

  assert {
    condition     = strcontains(local.secret_access, "secrets/(our-key|helseid-fn-pending)(/|$)") && strcontains(local.secret_access, "NOT protoPayload.authenticationInfo.principalEmail=(\"rotates@my-accounts-123.iam.gserviceaccount.com\" OR \"runs@my-accounts-123.iam.gserviceaccount.com\")")
    error_message = "The use of the existing secret is not watched."
  }

  # Each task is done by its existing account.

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].build_config[0].service_account == "projects/my-accounts-123/serviceAccounts/builds@my-accounts-123.iam.gserviceaccount.com"
      && google_cloudfunctions2_function.function["run"].service_config[0].service_account_email == "runs@my-accounts-123.iam.gserviceaccount.com"
      && google_cloudfunctions2_function.function["rotate"].service_config[0].service_account_email == "rotates@my-accounts-123.iam.gserviceaccount.com"
      && google_cloud_run_v2_service_iam_member.scheduler_calls.member == "serviceAccount:calls@my-accounts-123.iam.gserviceaccount.com"
      && google_cloud_run_v2_service_iam_member.push_calls[0].member == "serviceAccount:pushes@my-accounts-123.iam.gserviceaccount.com"
      && google_service_account_iam_member.agent_signs_in[0].service_account_id == "projects/my-accounts-123/serviceAccounts/pushes@my-accounts-123.iam.gserviceaccount.com"
      && google_cloud_run_v2_service_iam_member.rotation_scheduler_calls[0].member == "serviceAccount:turns@my-accounts-123.iam.gserviceaccount.com"
    )
    error_message = "A task is done by another account than the existing one."
  }

  # The build uses the existing bucket, repository and pool.

  assert {
    condition = (
      google_storage_bucket_object.source[0].bucket == "our-sources"
      && google_storage_bucket_object.source[0].name == "helseid-fn/source-${local.source_hash}.zip"
      && google_storage_bucket_iam_member.build_reads_source.bucket == "our-sources"
      && google_storage_bucket_iam_member.build_reads_source.member == "serviceAccount:builds@my-accounts-123.iam.gserviceaccount.com"
    )
    error_message = "The source is not in the existing bucket, or is among others' objects."
  }

  assert {
    condition = (
      google_cloudfunctions2_function.function["run"].build_config[0].docker_repository == "projects/my-images-123/locations/europe-west1/repositories/ours"
      && google_artifact_registry_repository_iam_member.build_pushes_images.project == "my-images-123"
      && google_artifact_registry_repository_iam_member.build_pushes_images.location == "europe-west1"
      && google_artifact_registry_repository_iam_member.build_pushes_images.repository == "ours"
    )
    error_message = "Images are not in the existing repository."
  }

  assert {
    condition     = google_cloudfunctions2_function.function["run"].build_config[0].worker_pool == "projects/my-builds-123/locations/europe-north1/workerPools/ours"
    error_message = "Another pool builds."
  }

  # Lines are kept in the existing log bucket of another project, which the sink may write into.

  assert {
    condition = (
      google_logging_project_sink.functions[0].destination == "logging.googleapis.com/projects/my-logs-123/locations/europe-north1/buckets/ours"
      && google_project_iam_member.sink_writes[0].project == "my-logs-123"
      && google_project_iam_member.sink_writes[0].role == "roles/logging.bucketWriter"
      && google_project_iam_member.sink_writes[0].condition[0].expression == "resource.name == \"projects/my-logs-123/locations/europe-north1/buckets/ours\""
    )
    error_message = "The log does not reach the existing bucket, or the sink may write into others."
  }
}

run "in_a_project_that_others_manage" {
  command = plan

  variables {
    enable_apis = false
    project_iam = false
  }

  # Nothing of the project is changed.

  assert {
    condition = (
      length(google_project_service.required) + length(google_project_iam_member.build_reads_staged_source)
      + length(google_project_iam_member.build_writes_logs) + length(google_project_iam_audit_config.secret_reads) == 0
    )
    error_message = "Something of the project is changed although others manage it."
  }

  assert {
    condition     = contains(keys(google_monitoring_alert_policy.log), "secret_access")
    error_message = "Nobody is alerted to the use of the key although its reads may be logged."
  }
}
