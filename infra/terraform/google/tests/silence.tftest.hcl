# No alert recipient, and a schedule with a gap of a month.

mock_provider "google" {}
mock_provider "archive" {}

variables {
  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"

  schedule          = "0 6 1 * *"
  silence_schedules = 1
}

run "with_no_alert_recipient" {
  command = plan

  # A monthly job is silent only after months.

  assert {
    condition     = local.silence_hours == 744
    error_message = "A monthly job is reported silent too early or too late."
  }

  # A missing recipient causes a warning.
  expect_failures = [check.somebody_is_notified]
}
