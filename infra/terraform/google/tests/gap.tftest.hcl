# How long each schedule pauses at most, reckoned from its expression.

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
}

run "with_every_kind_of_expression" {
  command = plan

  variables {
    schedules = {
      quarters = { schedule = "*/15 * * * *" }
      hourly   = { schedule = "5 * * * *", invocation = { input = { pages = 3 } } }
      shifts   = { schedule = "30 6,14,22 * * *" }
      daily    = { schedule = "15 6 * * *" }
      weekdays = { schedule = "15 6 * * 1-5" }
      office   = { schedule = "0 7-16 * * MON-FRI", invocation = { request = { query = { since = "yesterday" } } } }
      sunday   = { schedule = "0 3 * * 7" }
      twice    = { schedule = "0 3 * * MON,thu" }
      monthly  = { schedule = "0 6 1 * *" }
      last     = { schedule = "0 6 31 * *" }
      dates    = { schedule = "0 6 1,15,31 * *" }
      quarter  = { schedule = "0 6 1 1/3 *" }
      yearly   = { schedule = "0 6 2 JAN *" }
      off      = { schedule = "0 6 1 1 *", enabled = false }
    }
  }

  # The longest pause of each schedule that is on is reckoned from its expression.

  assert {
    condition = local.gap_hours == {
      quarters = 0.25
      hourly   = 1
      shifts   = 8
      daily    = 24
      weekdays = 72
      office   = 63
      sunday   = 168
      twice    = 96
      monthly  = 744
      last     = 1488
      dates    = 408
      quarter  = 2232
      yearly   = 8928
    }
    error_message = "A schedule's longest pause is reckoned wrongly."
  }
}
