# The smallest configuration: a single-tenant client in the test environment, run every hour, with one alert recipient.

terraform {
  required_version = ">= 1.9"
}

provider "aws" {
  region = "eu-north-1"
}

module "helseid_fn" {
  source = "../.."

  helseid_issuer    = "https://helseid-sts.test.nhn.no"
  helseid_client_id = "9f5a1c6e-1c3b-4c62-9b4e-6f5d0d9d7a10"
  helseid_scope     = "nhn:test-public-samplecode/client-credentials"
  api_url           = "https://api.example.no/machine-clients/greetings"
  alert_emails      = ["on-call@example.no"]
}

output "helseid_fn" {
  description = "The commands to run next."
  value       = module.helseid_fn
}
