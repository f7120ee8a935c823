# Invalid inputs are refused by name, before anything is planned.

mock_provider "google" {}
mock_provider "archive" {}
mock_provider "time" {}

run "invalid_inputs_are_refused_by_name" {
  command = plan

  variables {
    project_id            = "My Project"
    region                = "Finland"
    name                  = "HelseID"
    labels                = { "Team" = "x" }
    helseid_issuer        = "https://helseid-sts.test.nhn.no/"
    helseid_client_id     = "a client"
    helseid_scope         = ""
    parent_organization   = "99997777"
    child_organization    = "NO999977776"
    sfm_journal_id        = "1"
    api_url               = "http://api.example.no/"
    api_methods           = ["get"]
    organizations         = ["99997777"]
    token_endpoint_host   = "https://a.no"
    api_caller_headers    = ["*"]
    api_max_megabytes     = 65
    api_headers           = { dpop = "x" }
    log_level             = "WARNING"
    schedules             = { hourly = { schedule = "hourly" } }
    schedule_region       = "Norway"
    additional_invokers   = ["allUsers"]
    ingress               = "ALL"
    pubsub                = { publishers = ["allAuthenticatedUsers"] }
    key_delivery          = "environment"
    max_instances         = 0
    memory                = "lots"
    cpu                   = "3"
    python_version        = "2.7"
    existing              = { secret = "key" }
    kms_key               = "my-key"
    alert_emails          = ["me"]
    notification_channels = ["email"]
    longest_gap_hours     = -1
    runbook_url           = "docs/operating.md"
    key_expiry_alert_days = 0
    source_dir            = "tests"
    extra_environment     = { HELSEID_KEY = "file:/tmp/key" }
    result_to             = "queue"
    results_days          = 0
    cursor_in             = "gs://my-bucket"
    rotation              = { selvbetjening_url = "api.selvbetjening.nhn.no" }
  }

  expect_failures = [
    var.project_id, var.region, var.name, var.labels, var.helseid_issuer, var.helseid_client_id, var.helseid_scope,
    var.parent_organization, var.child_organization, var.sfm_journal_id, var.api_url, var.api_methods,
    var.organizations, var.token_endpoint_host, var.api_caller_headers, var.api_max_megabytes,
    var.api_headers, var.log_level, var.schedules, var.schedule_region, var.additional_invokers, var.ingress, var.pubsub,
    var.key_delivery, var.max_instances, var.memory, var.cpu, var.python_version, var.existing, var.kms_key,
    var.alert_emails, var.notification_channels, var.longest_gap_hours, var.runbook_url, var.key_expiry_alert_days, var.rotation,
    var.source_dir, var.extra_environment, var.result_to, var.results_days, var.cursor_in,
  ]
}

run "incompatible_inputs_are_refused_by_name" {
  command = plan

  variables {
    project_id        = "my-project-123"
    helseid_issuer    = "https://helseid-sts.test.nhn.no"
    helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
    helseid_scope     = "nhn:test-public-samplecode/client-credentials"
    api_url           = "https://api.example.no/machine-clients/greetings"
    alert_emails      = ["on-call@example.no"]
    pubsub            = {}
    deadline_seconds  = 581
    max_instances     = 1
    min_instances     = 2
    cpu               = "0.333"
    concurrency       = 2
    result_to         = "topic"
    archive           = "nowhere.zip"
    dns_forwarding    = { "nhn.no" = ["10.0.0.53"] }

    log_retention_days     = 0
    cursor_unmoved_hours   = 24
    api_headers            = { x-id = "1" }
    api_correlation_header = "X-Id"
  }

  expect_failures = [
    var.deadline_seconds, var.min_instances, var.concurrency, var.cursor_unmoved_hours, var.api_correlation_header,
    var.archive, var.dns_forwarding, var.log_retention_days,
  ]
}

run "a_subnetwork_elsewhere_is_refused_by_name" {
  command = plan

  variables {
    project_id        = "my-project-123"
    helseid_issuer    = "https://helseid-sts.test.nhn.no"
    helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
    helseid_scope     = "nhn:test-public-samplecode/client-credentials"
    api_url           = "https://api.example.no/machine-clients/greetings"
    alert_emails      = ["on-call@example.no"]
    vpc               = { network = "projects/p/global/networks/n", subnetwork = "projects/p/regions/europe-west1/subnetworks/s" }
  }

  expect_failures = [var.vpc]
}
