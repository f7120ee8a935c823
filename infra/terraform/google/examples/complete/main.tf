# Every variable set but archive and source_dir: a multi-tenant client in production, with automatic key rotation.

terraform {
  required_version = ">= 1.9"
}

module "helseid_fn" {
  source = "../.."

  project_id          = "my-project-123"
  region              = "europe-north1"
  name                = "greetings"
  labels              = { team = "integration", environment = "production" }
  deletion_protection = true
  allow_outside_eea   = false
  enable_apis         = true
  project_iam         = true
  existing            = { worker_pool = "projects/my-builds-123/locations/europe-north1/workerPools/functions" }

  helseid_issuer      = "https://helseid-sts.nhn.no"
  helseid_client_id   = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope       = "nhn:greetings/read nhn:greetings/write"
  parent_organization = "999977774"
  child_organization  = "999977776"
  sfm_journal_id      = "4a5f8d0e-6f0b-4b9c-8a63-0f3f7f2f9f11"
  api_url             = "https://api.example.no/machine-clients/greetings"
  api_methods         = ["GET", "POST"]
  organizations       = ["313745392:999977776"]
  token_endpoint_host = "helseid-sts.nhn.no"
  api_caller_headers  = ["accept", "content-type", "nhn-*"]
  api_headers         = { nhn-source-system = "My-EPJ, v1.0.2", api-version = "3" }
  api_max_megabytes   = 5
  deadline_seconds    = 40
  log_level           = "DEBUG"
  extra_environment   = { GREETINGS_PAGE_SIZE = "100" }

  api_correlation_header = "nhn-event-id"

  result_to    = "bucket"
  results_days = 30
  cursor_in    = "gs://my-project-123-cursors/greetings/cursor.json"

  schedules = {
    daily = {
      schedule   = "15 6 * * MON-FRI"
      invocation = { organization = { parent = "999977774" }, request = { method = "GET", query = { since = "yesterday" } } }
      enabled    = true
    }
    weekly = { schedule = "0 3 * * SUN", invocation = { input = { everything = true } } }
  }
  time_zone           = "Europe/Oslo"
  schedule_region     = "europe-west1"
  additional_invokers = ["group:integration@example.no"]
  ingress             = "ALLOW_ALL"
  pubsub              = { publishers = ["serviceAccount:journal@my-project-123.iam.gserviceaccount.com"], max_delivery_attempts = 10 }

  python_version     = "3.14"
  log_retention_days = 400
  vpc = {
    network    = "projects/my-network-123/global/networks/hub"
    subnetwork = "projects/my-network-123/regions/europe-north1/subnetworks/functions"
    tags       = ["helseid"]
    egress     = "ALL_TRAFFIC"
    nat        = true
  }
  dns_forwarding = { "nhn.no" = ["10.0.0.53", "10.0.1.53"] }

  key_delivery  = "file"
  min_instances = 1
  max_instances = 2
  concurrency   = 8
  memory        = "1Gi"
  cpu           = "2"
  kms_key       = "projects/my-keys-123/locations/europe-north1/keyRings/integration/cryptoKeys/greetings"

  alert_emails          = ["on-call@example.no"]
  notification_channels = ["projects/my-project-123/notificationChannels/1234567890"]
  longest_gap_hours     = 170
  runbook_url           = "https://git.example.no/integration/helseid-fn/docs/operating.md"
  key_expiry_alert_days = 30
  cursor_unmoved_hours  = 48
  watch_secret_access   = true

  rotation = {
    selvbetjening_url  = "https://api.selvbetjening.nhn.no"
    schedule           = "30 5 * * *"
    alg                = "PS256"
    due_fraction       = 0.67
    grace_hours        = 24
    destroy_after_days = 30
  }
}

output "helseid_fn" {
  description = "Commands to paste, and what is deployed."
  value       = module.helseid_fn
}
