# The smallest configuration: called every hour, with HelseID's test environment and the Sample API.

terraform {
  required_version = ">= 1.9"
}

module "helseid_fn" {
  source = "../.."

  project_id        = "my-project-123"
  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

output "helseid_fn" {
  description = "Commands to paste, and what is deployed."
  value       = module.helseid_fn
}
