# Up to three functions from one archive: `run`, which the schedule calls; `events`, which Pub/Sub calls; `rotate`, which replaces
# the key. The first two do the same job under the same account; the last has its own account.

locals {
  key_address = "projects/${local.key_secret.project}/secrets/${local.key_secret.name}/versions/latest"
  key_folder  = "/etc/helseid-key"
  key_file    = "key.jwk.json"

  # Deadlines nest: the function gives up first and reports why, then the platform times out, and last the caller.
  timeout_seconds         = { for key, function in local.functions : key => ceil(function.deadline_seconds) + 10 }
  caller_deadline_seconds = { for key, timeout in local.timeout_seconds : key => timeout + 10 }

  # The function's settings, which docs/configuration.md explains; null values are omitted.
  settings = merge(var.extra_environment, {
    HELSEID_ISSUER              = var.helseid_issuer
    HELSEID_CLIENT_ID           = var.helseid_client_id
    HELSEID_SCOPE               = var.helseid_scope
    HELSEID_KEY                 = local.key_address
    HELSEID_PARENT_ORGANIZATION = var.parent_organization
    HELSEID_CHILD_ORGANIZATION  = var.child_organization
    HELSEID_ORGANIZATIONS       = length(var.organizations) == 0 ? null : join(" ", sort(var.organizations))
    HELSEID_SFM_JOURNAL_ID      = var.sfm_journal_id
    TOKEN_ENDPOINT_HOST         = var.token_endpoint_host
    API_URL                     = var.api_url
    API_METHODS                 = join(" ", sort(var.api_methods))
    API_CALLER_HEADERS          = var.api_caller_headers == null ? null : join(" ", sort(var.api_caller_headers))
    API_HEADERS                 = length(var.api_headers) == 0 ? null : jsonencode(var.api_headers)
    API_CORRELATION_HEADER      = var.api_correlation_header
    API_MAX_MEGABYTES           = var.api_max_megabytes == null ? null : tostring(var.api_max_megabytes)
    LOG_LEVEL                   = var.log_level
    GOOGLE_CLOUD_PROJECT        = var.project_id # the project of the traces
    LOG_EXECUTION_ID            = "false"        # "true", which the platform may set, would write every line twice
  })

  mounts_key = var.key_delivery == "file"
  job_settings = merge(
    local.settings,
    { RESULT_TO = local.result_to, CURSOR_IN = local.cursor_setting },
    local.mounts_key ? { HELSEID_KEY = "file:${local.key_folder}/${local.key_file}" } : {},
  )

  job = {
    account          = local.accounts.run.email
    settings         = local.job_settings
    deadline_seconds = var.deadline_seconds
    mounts_key       = local.mounts_key
    min_instances    = var.min_instances
    max_instances    = var.max_instances
    concurrency      = var.concurrency
    ingress          = var.ingress
  }

  # The line of a main.py that makes each entry point.
  entry_points = { run = "`run = app.http`", run_event = "`run_event = app.cloud_event`", rotate = "`rotate = app.rotate`" }

  functions = merge(
    { run = merge(local.job, { name = var.name, entry_point = "run" }) },
    var.pubsub == null ? {} : { events = local.events_function },
    var.rotation == null ? {} : { rotate = local.rotate_function },
  )
}

# Rights take effect some time after they were granted; without the build's, the first deployment fails.
resource "time_sleep" "rights_granted" {
  create_duration = "120s"

  depends_on = [
    google_artifact_registry_repository_iam_member.build_pushes_images,
    google_project_iam_member.build_reads_staged_source,
    google_project_iam_member.build_writes_logs,
    google_pubsub_topic_iam_member.runtime_publishes,
    google_secret_manager_secret_iam_member.runtime_reads_key,
    google_storage_bucket_iam_member.build_reads_source,
    google_storage_bucket_iam_member.runtime_delivers,
    google_storage_bucket_iam_member.runtime_misses_cursor,
    google_storage_bucket_iam_member.runtime_moves_cursor,
  ]
}

resource "google_cloudfunctions2_function" "function" {
  #checkov:skip=CKV_GCP_124:Where it can be reached from is configurable (ingress), internal by default; IAM applies in any case.
  for_each = local.functions

  project      = var.project_id
  location     = var.region
  name         = each.value.name
  description  = "Signs in to HelseID as a machine and calls an API (${each.value.entry_point})."
  labels       = var.labels
  kms_key_name = var.kms_key

  build_config {
    runtime               = "python${replace(var.python_version, ".", "")}"
    entry_point           = each.value.entry_point
    environment_variables = local.build_settings
    service_account       = local.accounts.build.id
    docker_repository     = local.repository.id
    worker_pool           = lookup(var.existing, "worker_pool", null)

    source {
      storage_source {
        bucket = local.source_bucket
        object = local.source_object
      }
    }

    automatic_update_policy {} # security fixes of the base image need no deployment
  }

  service_config {
    service_account_email            = each.value.account
    timeout_seconds                  = local.timeout_seconds[each.key]
    min_instance_count               = each.value.min_instances
    max_instance_count               = each.value.max_instances
    max_instance_request_concurrency = each.value.concurrency
    available_memory                 = var.memory
    available_cpu                    = var.cpu
    ingress_settings                 = each.value.ingress
    all_traffic_on_latest_revision   = true

    environment_variables = merge(
      { for name, value in each.value.settings : name => value if value != null },
      { DEADLINE_SECONDS = tostring(each.value.deadline_seconds) },
    )

    vpc_connector                 = try(var.vpc.connector, null)
    vpc_connector_egress_settings = try(var.vpc.connector, null) == null ? null : var.vpc.egress
    direct_vpc_egress             = local.is_direct ? "VPC_EGRESS_${var.vpc.egress}" : null

    dynamic "direct_vpc_network_interface" {
      for_each = local.is_direct ? [var.vpc] : []

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
        tags       = sort(direct_vpc_network_interface.value.tags)
      }
    }

    dynamic "secret_volumes" {
      for_each = each.value.mounts_key ? [local.key_secret] : []

      content {
        project_id = secret_volumes.value.project
        secret     = secret_volumes.value.name
        mount_path = local.key_folder

        versions {
          version = "latest" # read again at every access, so a new key needs no deployment
          path    = local.key_file
        }
      }
    }
  }

  depends_on = [
    google_compute_router_nat.egress,
    google_dns_managed_zone.forwarded,
    time_sleep.apis_enabled,
    time_sleep.rights_granted,
  ]

  lifecycle {
    precondition {
      condition     = !local.from_checkout || can(regex("\\b${each.value.entry_point}\\b", local.contents["main.py"]))
      error_message = "main.py in source_dir has no ${each.value.entry_point}, which ${each.value.name} starts: add ${local.entry_points[each.value.entry_point]}."
    }

    precondition {
      condition     = local.own_requirements == "" || strcontains(local.own_requirements, "--hash=sha256:")
      error_message = "requirements.txt in source_dir has no hashes, so the build would refuse it: write it with uv pip compile --generate-hashes."
    }
  }
}
