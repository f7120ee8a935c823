# Lets one GitHub repository plan and apply without a key: apply it once by hand, in the project of the function.
# Pull requests sign in as the planner, which may only read; the environment `production` signs in as the deployer.

terraform {
  required_version = ">= 1.9"
}

variable "project_id" {
  description = "The project of the function."
  type        = string
}

variable "repository" {
  description = "The GitHub repository with your root module, OWNER/NAME."
  type        = string
}

variable "repository_id" {
  description = "Its number, which a repository that takes over the name does not have: gh api repos/OWNER/NAME --jq .id"
  type        = string
}

variable "state_bucket" {
  description = "The bucket of the Terraform state."
  type        = string
}

provider "google" {
  project = var.project_id
}

resource "google_iam_workload_identity_pool" "github" {
  workload_identity_pool_id = "github"
}

resource "google_iam_workload_identity_pool_provider" "github" {
  #checkov:skip=CKV_GCP_125:The number of the repository is stricter than its name, and each account below names its whole subject.
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github"

  # The second half holds even before the environment is limited to the branch.
  attribute_condition = "assertion.repository_id == '${var.repository_id}' && (assertion.sub == '${local.subjects.planner}' || assertion.ref == 'refs/heads/main')"

  attribute_mapping = {
    "google.subject" = "assertion.sub" # repo:OWNER/NAME:pull_request, repo:OWNER/NAME:environment:production
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

locals {
  subjects = {
    planner  = "repo:${var.repository}:pull_request"
    deployer = "repo:${var.repository}:environment:production"
  }

  # The deployer grants roles and makes accounts, so no smaller role than the owner's does; hence a project of its own.
  roles = {
    planner  = ["roles/viewer", "roles/iam.securityReviewer"]
    deployer = ["roles/owner"]
  }

  state_roles = { planner = "roles/storage.objectViewer", deployer = "roles/storage.objectUser" }
}

resource "google_service_account" "ci" {
  for_each   = local.subjects
  account_id = "github-${each.key}"
}

resource "google_service_account_iam_member" "ci" {
  for_each           = local.subjects
  service_account_id = google_service_account.ci[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principal://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/subject/${each.value}"
}

resource "google_project_iam_member" "ci" {
  for_each = { for pair in flatten([for who, roles in local.roles : [for role in roles : { who = who, role = role }]]) : "${pair.who} ${pair.role}" => pair }
  project  = var.project_id
  role     = each.value.role
  member   = google_service_account.ci[each.value.who].member
}

resource "google_storage_bucket_iam_member" "ci" {
  for_each = local.state_roles
  bucket   = var.state_bucket
  role     = each.value
  member   = google_service_account.ci[each.key].member
}

output "variables" {
  description = "The variables of the repository, for the workflow."
  value = {
    GOOGLE_PROVIDER = google_iam_workload_identity_pool_provider.github.name
    GOOGLE_PLANNER  = google_service_account.ci["planner"].email
    GOOGLE_DEPLOYER = google_service_account.ci["deployer"].email
  }
}
