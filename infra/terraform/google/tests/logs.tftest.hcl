# A log bucket of its own, in the region.

mock_provider "time" {}
mock_provider "google" {}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  archive           = "tests/archive.txt" # no copy of the code in each plan, which takes seconds
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]

  kms_key            = "projects/my-keys-123/locations/europe-north1/keyRings/ring/cryptoKeys/key"
  rotation           = { selvbetjening_url = "https://api.selvbetjening.nhn.no" }
  log_retention_days = 400
}

run "with_a_log_bucket" {
  # It is in the region, encrypted, and keeps lines for the configured time.

  assert {
    condition = (
      google_logging_project_bucket_config.functions[0].location == "europe-north1"
      && google_logging_project_bucket_config.functions[0].retention_days == 400
      && google_logging_project_bucket_config.functions[0].cmek_settings[0].kms_key_name == var.kms_key
    )
    error_message = "The log is elsewhere, under another key, or kept for another time."
  }

  # Every function's lines are there, and nowhere else.

  assert {
    condition = (
      google_logging_project_sink.functions[0].destination == "logging.googleapis.com/${google_logging_project_bucket_config.functions[0].id}"
      && google_logging_project_sink.functions[0].filter == "resource.type=\"cloud_run_revision\" resource.labels.service_name=(\"helseid-fn-rotate\" OR \"helseid-fn\")"
    )
    error_message = "Lines of a function do not reach the log bucket."
  }

  assert {
    condition     = google_logging_project_exclusion.functions[0].filter == google_logging_project_sink.functions[0].filter
    error_message = "Lines stay in the project's own bucket, or are lost to it."
  }

  assert {
    condition     = length(google_project_iam_member.sink_writes) == 0
    error_message = "The sink is granted what it may do already."
  }

  # The command and the dashboard read them there.

  assert {
    condition     = strcontains(output.read_log, " --project=my-project-123 --location=europe-north1 --bucket=helseid-fn --view=_AllLogs ")
    error_message = "The command reads another log."
  }

  assert {
    condition     = strcontains(google_monitoring_dashboard.overview.dashboard_json, "projects/my-project-123/locations/europe-north1/buckets/helseid-fn/views/_AllLogs")
    error_message = "The dashboard reads another log."
  }
}
